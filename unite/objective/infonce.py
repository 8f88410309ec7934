"""InfoNCE: every candidate of the pool competes."""

from __future__ import annotations

from unite.config.schema.objective import InfoNCEConfig
from unite.objective.contrastive import Contrastive


class InfoNCE(Contrastive):
    """InfoNCE (arXiv 1807.03748, Eq. 4), symmetric by default: the paper's retrieval adaptation (stage 1).

    The loss and its rules about what is the same are those of `unite.objective`.
    """

    def __init__(self, config: InfoNCEConfig | None = None) -> None:
        super().__init__(config or InfoNCEConfig(), within_modality=False)
