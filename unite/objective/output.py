"""What an objective returns."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor


@dataclass(eq=False)
class Terms:
    """What is known of each scored term, a row with one of its positives. All (T,) and detached; T may be 0 on a rank.

    Attributes:
        row: int64, of the relations.
        query_modality, positive_modality: int64, `Modality.value`.
        loss: float32, the term's loss before any weight; the mean of both directions where the loss is symmetric.
        positive_similarity: float32.
        hardest_negative: float32, similarity of the best negative, -inf where there is none.
        num_negatives: float32.
    """

    row: Tensor
    query_modality: Tensor
    positive_modality: Tensor
    loss: Tensor
    positive_similarity: Tensor
    hardest_negative: Tensor
    num_negatives: Tensor

    @property
    def correct(self) -> Tensor:
        """(T,) bool: whether the positive beats every negative; a tie does not."""
        return self.positive_similarity > self.hardest_negative


@dataclass(eq=False)
class ObjectiveOutput:
    """A loss and what to log beside it.

    Attributes:
        loss: scalar float32, to call `backward` on, once.
        terms: of the scored rows.
        temperature: scalar, detached.
        parts: further scalars by name, detached, each of which sums over the ranks as the loss does (`loss_dim_<d>`).
    """

    loss: Tensor
    terms: Terms
    temperature: Tensor
    parts: dict[str, Tensor] = field(default_factory=dict)

    @property
    def metrics(self) -> dict[str, Tensor]:
        """Scalars, float32: means over the terms, 0 without any, then the temperature and the parts.

        `accuracy`: share of terms whose positive beats all its negatives; `positive_similarity`; `num_negatives` a term;
        `share_without_negatives`.
        """
        terms = self.terms
        return {
            "accuracy": _mean(terms.correct.float()),
            "positive_similarity": _mean(terms.positive_similarity),
            "num_negatives": _mean(terms.num_negatives),
            "share_without_negatives": _mean((terms.num_negatives == 0).float()),
            "temperature": self.temperature,
            **self.parts,
        }


def _mean(values: Tensor) -> Tensor:
    return values.sum() / max(len(values), 1)
