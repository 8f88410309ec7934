"""InfoNCE: every candidate of the pool competes."""

from __future__ import annotations

from collections.abc import Mapping

from unite.objective.contrastive import Contrastive


class InfoNCE(Contrastive):
    """InfoNCE (arXiv 1807.03748, Eq. 4), symmetric by default: the paper's retrieval adaptation (stage 1).

    The loss, its rules about what is the same, and the arguments are those of `unite.objective` and `Contrastive`.
    """

    def __init__(
        self,
        temperature: float = 0.03,
        learnable_temperature: bool = False,
        symmetric: bool = True,
        modality_weights: Mapping[str, float] | None = None,
        false_negative_margin: float | None = None,
        hardness: float = 0.0,
    ) -> None:
        super().__init__(
            within_modality=False,
            symmetric=symmetric,
            temperature=temperature,
            learnable_temperature=learnable_temperature,
            modality_weights=modality_weights,
            false_negative_margin=false_negative_margin,
            hardness=hardness,
        )
