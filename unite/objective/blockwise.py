"""The loss and its gradient, block by block and chunk by chunk: no matrix of all anchors by all targets ever exists.

    for each direction, for each block of rivals (one modality for MAMCL), for each chunk of its terms:
        similarities (t, S) -> exclusions -> log-odds of the negatives against the positive -> loss and gradient of these terms

A chunk sees all targets of its terms, so its softmax is complete and its gradient is taken at once: two products beside the similarities',
where a backward pass of its own would need a third. `backward` only hands out the finished gradient, so it can run once for each forward
pass. Beyond inputs and gradient, the memory is that of one chunk and of one block's targets.

Shapes: U contents, D dimensions, T terms of a direction, S targets of a block's rivals, t terms of a chunk. All is computed in float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional as F

from unite.errors import TrainingError
from unite.objective.false_negative_margin import drop_above_margin_
from unite.objective.hardness import negative_scale
from unite.objective.masks import Block, Direction
from unite.precision import full_float32

#: Similarities in one chunk. On a CPU 8 MB, so that the passes over a chunk stay near its cache; on a GPU 128 MB, to fill it.
CHUNK_ON_CPU, CHUNK_ON_GPU = 2**21, 2**25


class Scores(NamedTuple):
    """What is known of each term of a direction. All (T,) float32.

    Attributes:
        loss: unweighted.
        positive: similarity of the positive.
        hardest: similarity of the best negative, -inf if there is none.
        num_negatives: of the term.
    """

    loss: Tensor
    positive: Tensor
    hardest: Tensor
    num_negatives: Tensor


class Weighing(NamedTuple):
    """Which negatives are left out and how much the others count.

    Attributes:
        margin: see `unite.objective.false_negative_margin`; None to keep all.
        spares_hand_made: whether a row's own hand-made negatives stay, whatever the margin.
        hardness: see `unite.objective.hardness`.
        hardens_all: whether it is for all negatives, or for a row's own hand-made ones alone.
    """

    margin: float | None = None
    spares_hand_made: bool = True
    hardness: float = 0.0
    hardens_all: bool = True


def contrast(
    embeddings: Tensor, temperature: Tensor, directions: list[Direction], weighing: Weighing | None = None
) -> tuple[Tensor, Scores]:
    """Returns the weighted loss of all directions, scalar, and the scores of the first, of which `loss` is the mean over the directions.

    Gradients reach the embeddings (in their own dtype) and the temperature.

    Args:
        embeddings: (U, D), any float dtype.
        temperature: scalar.
        directions: as `unite.objective.masks.directions` makes them.
        weighing: of the negatives; all stay and count alike by default.
    """
    inverse_temperature = 1 / temperature.float()
    wanted = torch.is_grad_enabled() and (embeddings.requires_grad or inverse_temperature.requires_grad)
    loss, *scores = cast(Any, _Contrast.apply)(embeddings, inverse_temperature, directions, weighing or Weighing(), wanted)
    return loss, Scores(*scores)


class _Contrast(Function):
    @staticmethod
    def forward(
        ctx: Any,
        embeddings: Tensor,
        inverse_temperature: Tensor,
        directions: list[Direction],
        weighing: Weighing,
        wanted: bool,
    ) -> tuple[Tensor, ...]:
        with full_float32(embeddings.device):
            sweep = _Sweep(embeddings, inverse_temperature, weighing, wanted)
            scores = [sweep.score(direction) for direction in directions]
        loss = torch.stack([(each.loss * direction.weight).sum() for each, direction in zip(scores, directions, strict=True)]).sum()
        ctx.gradients = (sweep.gradient, sweep.inverse_temperature_gradient) if wanted else None
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
        return gradient.mul_(outer).to(ctx.dtype), inverse_temperature_gradient * outer, None, None, None


@dataclass(eq=False)
class _Sweep:
    """Goes over all blocks and adds up the gradients, if wanted: (U, D) at the embeddings, scalar at 1 / temperature."""

    embeddings: Tensor
    inverse_temperature: Tensor
    weighing: Weighing
    wanted: bool

    def __post_init__(self) -> None:
        device = self.embeddings.device
        shape = self.embeddings.shape if self.wanted else (0, 0)
        self.gradient = torch.zeros(shape, dtype=torch.float32, device=device)
        self.inverse_temperature_gradient = torch.zeros((), dtype=torch.float32, device=device)
        self.negative_scale = negative_scale(self.inverse_temperature, self.weighing.hardness if self.weighing.hardens_all else 0.0)
        spares = self.weighing.margin is not None and self.weighing.spares_hand_made
        self.needs_hand_made = spares or (self.weighing.hardness > 0 and not self.weighing.hardens_all)
        self.chunk = CHUNK_ON_GPU if device.type == "cuda" else CHUNK_ON_CPU

    def score(self, direction: Direction) -> Scores:
        """Scores every term of a direction."""
        scores = Scores(*torch.zeros(4, len(direction.anchor), dtype=torch.float32, device=self.embeddings.device))
        for block in direction.blocks:
            targets = [self.embeddings[rivals.contents].float() for rivals in block.rivals]
            target_gradients = [torch.zeros_like(one) for one in targets] if self.wanted else None
            size = max(1, self.chunk // sum(map(len, targets)))
            for terms, columns in zip(torch.split(block.terms, size), torch.split(block.columns, size), strict=True):
                chunk = self._chunk(direction, block, terms, columns, targets, target_gradients)
                for whole, part in zip(scores, chunk, strict=True):
                    whole[terms] = part
            for rivals, gradient in zip(block.rivals, target_gradients or (), strict=self.wanted):
                self.gradient.index_add_(0, rivals.contents, gradient)
        return scores

    def _chunk(
        self,
        direction: Direction,
        block: Block,
        terms: Tensor,
        columns: Tensor,
        targets: list[Tensor],
        target_gradients: list[Tensor] | None,
    ) -> Scores:
        anchors = [self.embeddings[rivals.anchor[terms]].float() for rivals in block.rivals]
        parts = [anchor @ target.T for anchor, target in zip(anchors, targets, strict=True)]
        similarities = parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)
        del parts
        positive = similarities.gather(1, columns[:, None]).squeeze(1)
        for row, column in direction.excluded(block, terms):
            similarities[row, column] = -torch.inf
        hand_made = direction.hand_made_places(block, terms) if self.needs_hand_made else None
        own = None if hand_made is None else similarities[hand_made]
        if self.weighing.margin is not None:
            drop_above_margin_(similarities, positive, self.weighing.margin)
            if self.weighing.spares_hand_made and hand_made is not None and own is not None:
                similarities[hand_made] = own
        hardest = similarities.amax(1)
        num_negatives = (similarities > -torch.inf).sum(1)

        # exp(logit - logit of the hardest), in place. The hardest itself gives 1, so the total is at least 1 or, without negatives, 0.
        shift = torch.where(num_negatives > 0, hardest, 0.0)
        logits = similarities.sub_(shift[:, None]).mul_(self.negative_scale)
        shift = shift * self.negative_scale
        if self.weighing.hardness > 0 and not self.weighing.hardens_all and hand_made is not None and own is not None:
            logits[hand_made] += self.weighing.hardness * own
            lift = torch.where(num_negatives > 0, logits.amax(1), 0.0)
            logits, shift = logits.sub_(lift[:, None]), shift + lift
        exponentials = logits.exp_()
        total = exponentials.sum(1)
        # Log-odds of the negatives against the positive: the term's loss is softplus(odds), accurate however small it is.
        odds = total.log() + shift - positive * self.inverse_temperature
        scores = Scores(F.softplus(odds), positive, hardest, num_negatives.float())

        if target_gradients is not None:
            # d loss / d logit is sigmoid(odds) * exponential / total at a negative, and minus their sum at the positive. The factor that a
            # row shares goes onto the (t, D) matrices.
            exponentials.scatter_(1, columns[:, None], -total[:, None])
            factor = (direction.weight[terms] * odds.sigmoid() / total.clamp(min=1))[:, None]
            shares = exponentials.split([len(one) for one in targets], dim=1)
            for rivals, anchor, target, target_gradient, share in zip(
                block.rivals, anchors, targets, target_gradients, shares, strict=True
            ):
                pull = (share @ target).mul_(factor)
                self.inverse_temperature_gradient += (pull * anchor).sum()
                target_gradient.addmm_(share.T, anchor.mul_(factor * self.inverse_temperature))
                self.gradient.index_add_(0, rivals.anchor[terms], pull.mul_(self.inverse_temperature))
        return scores
