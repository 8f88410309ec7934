"""Matryoshka: one objective at several widths, so that a prefix of the embedding is an embedding."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unite.batch import Relations
from unite.config.schema.objective import MatryoshkaConfig
from unite.errors import TrainingError, must_be
from unite.objective.in_pieces import Exchange
from unite.objective.output import ObjectiveOutput


class Matryoshka(nn.Module):
    """Matryoshka representation learning (arXiv 2205.13147, Eq. 1): the weighted sum of an objective over prefixes of the embedding.

        loss = sum over d of weight_d * objective(normalise(embeddings[:, :d]))

    Args:
        config: the objective (any of this package), widths and weights.
    """

    def __init__(self, config: MatryoshkaConfig) -> None:
        super().__init__()
        self.objective = config.objective
        weights = [1.0] * len(config.dims) if config.weights is None else config.weights
        self.widths = sorted(zip(config.dims, weights, strict=True), reverse=True)

    @property
    def takes_exchange(self) -> bool:
        """Whether the wrapped objective does."""
        return bool(getattr(self.objective, "takes_exchange", False))

    def forward(
        self, embeddings: Tensor, relations: Relations, rows: Tensor | None = None, exchange: Exchange | None = None
    ) -> ObjectiveOutput:
        """Returns the weighted sum, of each term too; the rest of the terms is of the largest width. `loss_dim_<d>` is each width's loss.

        Args: as the wrapped objective's; embeddings at least as wide as the largest width.

        Raises:
            TrainingError: if the embeddings are narrower than a width.
        """
        widest = self.widths[0][0]
        if embeddings.shape[-1] < widest:
            raise TrainingError(must_be("objective.dims", f"at most {embeddings.shape[-1]}, the embeddings' width", widest))
        more = {} if exchange is None else {"exchange": exchange}
        outputs = [self.objective(F.normalize(embeddings[:, :dim].float(), dim=-1), relations, rows, **more) for dim, _ in self.widths]
        loss = torch.stack([weight * output.loss for (_, weight), output in zip(self.widths, outputs, strict=True)]).sum()
        by_width = {f"loss_dim_{dim}": output.loss.detach() for (dim, _), output in zip(self.widths, outputs, strict=True)}
        widest_output = outputs[0]
        by_term = torch.stack([weight * output.terms.loss for (_, weight), output in zip(self.widths, outputs, strict=True)]).sum(0)
        return ObjectiveOutput(loss, replace(widest_output.terms, loss=by_term), widest_output.temperature, by_width)
