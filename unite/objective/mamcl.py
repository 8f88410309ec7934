"""MAMCL: only candidates of the positive's modality compete."""

from __future__ import annotations

from collections.abc import Mapping

from unite.objective.contrastive import Contrastive


class MAMCL(Contrastive):
    """Modal-Aware Masked Contrastive Learning (UNITE, arXiv 2505.19650), one way by default: the paper's instruction tuning (stage 2).

        loss = -(1/B) sum_i log( exp(s_ip(i) / t) / sum_j M_ij exp(s_ij / t) ),   M_ij = 1 if modality(c_j) = modality(c_p(i)), else 0

    A fusion is a modality of its own. Two deviations, both in the spirit of the mask: hand-made negatives obey it, and so does the reverse
    direction of `symmetric=True`, where queries compete with queries of their modality. The released code lets both escape it. The rest
    of the rules and the arguments are those of `unite.objective` and `Contrastive`.
    """

    def __init__(
        self,
        temperature: float = 0.03,
        learnable_temperature: bool = False,
        symmetric: bool = False,
        modality_weights: Mapping[str, float] | None = None,
        false_negative_margin: float | None = None,
        hardness: float = 0.0,
    ) -> None:
        super().__init__(
            within_modality=True,
            symmetric=symmetric,
            temperature=temperature,
            learnable_temperature=learnable_temperature,
            modality_weights=modality_weights,
            false_negative_margin=false_negative_margin,
            hardness=hardness,
        )
