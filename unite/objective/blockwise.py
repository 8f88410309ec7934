"""The loss and its gradient, block by block and chunk by chunk: no matrix of all anchors by all targets ever exists.

    for each direction, for each block of rivals (one modality for MAMCL), for each chunk of its terms:
        similarities (t, S) -> exclusions -> log-odds of the negatives against the positive -> loss and gradient of these terms

A chunk sees all targets of its terms, so its softmax is complete and its gradient is taken at once: two products beside the similarities',
where a backward pass of its own would need a third. `backward` only hands out the finished gradient, so it can run once for each forward
pass. Beyond inputs and gradient, the memory is that of one chunk and of one block's targets. Where the embeddings lie in several processes,
`unite.objective.in_pieces` takes the place of the sweep.

Shapes: U contents, D dimensions, T terms of a direction, S targets of a block's rivals, t terms of a chunk. All is computed in float32.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd import Function

from unite.errors import TrainingError
from unite.objective.comparison import Comparison, Scores, Weighing
from unite.objective.in_pieces import Apart, SweepInPieces
from unite.objective.masks import Direction
from unite.precision import full_float32


def contrast(
    embeddings: Tensor,
    temperature: Tensor,
    directions: list[Direction],
    weighing: Weighing | None = None,
    apart: Apart | None = None,
) -> tuple[Tensor, Scores]:
    """Returns the weighted loss of all directions, scalar, and the scores of the first, of which `loss` is the mean over the directions.

    Gradients reach the embeddings (in their own dtype) and the temperature.

    Args:
        embeddings: (U, D), any float dtype; with `apart`, those of this process.
        temperature: scalar.
        directions: as `unite.objective.masks.directions` makes them.
        weighing: of the negatives; all stay and count alike by default.
        apart: where the other embeddings are. The gradient at the embeddings is then that of the loss of all processes, at the temperature
            that of the loss of this one, and all have to multiply it by the same.
    """
    inverse_temperature = 1 / temperature.float()
    wanted = torch.is_grad_enabled() and (embeddings.requires_grad or inverse_temperature.requires_grad)
    loss, *scores = cast(Any, _Contrast.apply)(embeddings, inverse_temperature, directions, weighing or Weighing(), apart, wanted)
    return loss, Scores(*scores)


class _Contrast(Function):
    @staticmethod
    def forward(
        ctx: Any,
        embeddings: Tensor,
        inverse_temperature: Tensor,
        directions: list[Direction],
        weighing: Weighing,
        apart: Apart | None,
        wanted: bool,
    ) -> tuple[Tensor, ...]:
        comparison = Comparison(inverse_temperature, weighing)
        with full_float32(embeddings.device):
            sweep = _Sweep(embeddings, comparison) if apart is None else SweepInPieces(embeddings, comparison, apart)
            scores = sweep.score(directions, wanted)
        loss = torch.stack([(each.loss * direction.weight).sum() for each, direction in zip(scores, directions, strict=True)]).sum()
        ctx.gradients = (sweep.gradient, comparison.inverse_temperature_gradient) if wanted else None
        ctx.dtype = embeddings.dtype
        first = scores[0]._replace(loss=torch.stack([each.loss for each in scores]).mean(0))
        ctx.mark_non_differentiable(*first)
        return loss, *first

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        if ctx.gradients is None:
            raise TrainingError("the gradient of a contrastive loss can be taken once; compute the loss again to take it again.")
        gradient, inverse_temperature_gradient = ctx.gradients
        ctx.gradients = None  # ours alone from here on, so it can be scaled where it lies
        outer = gradients[0]
        return gradient.mul_(outer).to(ctx.dtype), inverse_temperature_gradient * outer, None, None, None, None


class _Sweep:
    """Goes over all blocks and adds up the gradients, if wanted: (U, D) at the embeddings, a scalar at 1 / temperature."""

    def __init__(self, embeddings: Tensor, comparison: Comparison) -> None:
        self.embeddings = embeddings
        self.comparison = comparison
        self.gradient = torch.zeros((0, 0), dtype=torch.float32, device=embeddings.device)

    def score(self, directions: list[Direction], wanted: bool) -> list[Scores]:
        """Scores every term of every direction."""
        if wanted:
            self.gradient = torch.zeros(self.embeddings.shape, dtype=torch.float32, device=self.embeddings.device)
        return [self._score(direction, wanted) for direction in directions]

    def _score(self, direction: Direction, wanted: bool) -> Scores:
        scores = Scores(*torch.zeros(4, len(direction.anchor), dtype=torch.float32, device=self.embeddings.device))
        for block in direction.blocks:
            targets = [self.embeddings[rivals.contents].float() for rivals in block.rivals]
            target_gradients = [torch.zeros_like(one) for one in targets] if wanted else []
            for terms, columns in self.comparison.chunks(block):
                anchors = [self.embeddings[rivals.anchor[terms]].float() for rivals in block.rivals]
                compared = self.comparison.compare(direction, block, terms, anchors, targets, None, columns)
                of_chunk = self.comparison.scores(
                    compared.total, compared.shift, compared.positive, compared.hardest, compared.num_negatives
                )
                for whole, part in zip(scores, of_chunk, strict=True):
                    whole[terms] = part
                if wanted:
                    factor = self.comparison.factor(direction, terms, compared.total, compared.shift, compared.positive)
                    compared.exponentials.scatter_(1, columns[:, None], -compared.total[:, None])
                    pulls = self.comparison.take_back(compared, factor, targets, target_gradients)
                    for rivals, pull in zip(block.rivals, pulls, strict=True):
                        self.gradient.index_add_(0, rivals.anchor[terms], pull)
            if wanted:
                for rivals, gradient in zip(block.rivals, target_gradients, strict=True):
                    self.gradient.index_add_(0, rivals.contents, gradient)
        return scores
