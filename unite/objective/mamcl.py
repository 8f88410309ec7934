"""MAMCL: only candidates of the positive's modality compete."""

from __future__ import annotations

from unite.config.schema.objective import MAMCLConfig
from unite.objective.contrastive import Contrastive


class MAMCL(Contrastive):
    """Modal-Aware Masked Contrastive Learning (UNITE, arXiv 2505.19650), one way by default: the paper's instruction tuning (stage 2).

        loss = -(1/B) sum_i log( exp(s_ip(i) / t) / sum_j M_ij exp(s_ij / t) ),   M_ij = 1 if modality(c_j) = modality(c_p(i)), else 0

    A fusion is a modality of its own. Two deviations, both in the spirit of the mask: hand-made negatives obey it, and so does the reverse
    direction of `symmetric=True`, where queries compete with queries of their modality. The released code lets both escape it. The rest
    of the rules are those of `unite.objective`.
    """

    def __init__(self, config: MAMCLConfig | None = None) -> None:
        super().__init__(config or MAMCLConfig(), within_modality=True)
