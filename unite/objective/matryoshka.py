"""Matryoshka: one objective at several widths, so that a prefix of the embedding is an embedding."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unite.errors import ConfigError, TrainingError, must_be
from unite.objective.output import ObjectiveOutput
from unite.types import Relations


class Matryoshka(nn.Module):
    """Matryoshka representation learning (arXiv 2205.13147, Eq. 1): the weighted sum of an objective over prefixes of the embedding.

        loss = sum over d of weight_d * objective(normalise(embeddings[:, :d]))

    Args:
        objective: any objective of this package.
        dims: widths; the paper halves from the full width down.
        weights: one a width; 1 each by default, as in the paper.

    Raises:
        ConfigError: if there is no width, a width is below 1 or twice there, or weights are not one positive number a width.
    """

    def __init__(self, objective: nn.Module, dims: Sequence[int], weights: Sequence[float] | None = None) -> None:
        super().__init__()
        if not dims or min(dims) < 1 or len(set(dims)) != len(dims):
            raise ConfigError(must_be("objective.dims", "different widths of at least 1", list(dims)))
        weights = [1.0] * len(dims) if weights is None else weights
        if len(weights) != len(dims) or not all(math.isfinite(weight) and weight > 0 for weight in weights):
            raise ConfigError(must_be("objective.weights", f"{len(dims)} numbers above 0, one a width", list(weights)))
        self.objective = objective
        self.widths = sorted(zip(dims, weights, strict=True), reverse=True)

    def forward(self, embeddings: Tensor, relations: Relations, rows: Tensor | None = None) -> ObjectiveOutput:
        """Returns the weighted sum; the metrics are those of the largest width, and `loss_dim_<d>` for each.

        Args: as the wrapped objective's; embeddings at least as wide as the largest width.

        Raises:
            TrainingError: if the embeddings are narrower than a width.
        """
        widest = self.widths[0][0]
        if embeddings.shape[-1] < widest:
            raise TrainingError(must_be("objective.dims", f"at most {embeddings.shape[-1]}, the embeddings' width", widest))
        outputs = [self.objective(F.normalize(embeddings[:, :dim].float(), dim=-1), relations, rows) for dim, _ in self.widths]
        loss = torch.stack([weight * output.loss for (_, weight), output in zip(self.widths, outputs, strict=True)]).sum()
        by_width = {f"loss_dim_{dim}": output.loss.detach() for (dim, _), output in zip(self.widths, outputs, strict=True)}
        return ObjectiveOutput(loss, {**outputs[0].metrics, **by_width})
