"""What an objective returns."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(eq=False)
class ObjectiveOutput:
    """A loss and what to log beside it.

    Attributes:
        loss: scalar float32, to call `backward` on, once.
        metrics: detached scalars, float32, means over the scored terms:
            `accuracy`: share of terms whose positive beats all its negatives; `positive_similarity`; `num_negatives` a term;
            `share_without_negatives`; `temperature`; `loss_<modality>`: query-to-candidate loss of terms with such a positive, unweighted.
    """

    loss: Tensor
    metrics: dict[str, Tensor]
