"""Some terms against some targets: what both sweeps over a pool are made of (`blockwise`, `in_pieces`).

    similarities (t, S) -> exclusions, margin -> logits of the negatives, hardness among them -> exponentials and their sum
    exponentials -> gradient at the targets, at the anchors and at 1 / temperature

Shapes: D dimensions, S targets of a block's rivals, t terms. All is computed in float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from unite.objective.false_negative_margin import drop_above_margin_
from unite.objective.hardness import negative_scale
from unite.objective.masks import Block, Direction

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


class Compared(NamedTuple):
    """What a comparison gives. All (t,), but for the first two.

    Attributes:
        anchors: (t, D) for each of the block's rivals.
        exponentials: (t, S) exp(logit - shift), 0 of what is no negative.
        total: their sum, at least 1 or, without negatives, 0.
        shift: the largest logit of a negative; without negatives what it is says nothing.
        positive: similarity of the positive.
        hardest: similarity of the best negative, -inf if there is none.
        num_negatives: int64.
    """

    anchors: list[Tensor]
    exponentials: Tensor
    total: Tensor
    shift: Tensor
    positive: Tensor
    hardest: Tensor
    num_negatives: Tensor


class Comparison:
    """Compares terms with targets, and takes the gradient back.

    Args:
        inverse_temperature: scalar.
        weighing: of the negatives.

    Attributes:
        inverse_temperature_gradient: scalar, of all that was taken back.
        chunk: how many similarities to make at once.
    """

    def __init__(self, inverse_temperature: Tensor, weighing: Weighing) -> None:
        self.inverse_temperature = inverse_temperature
        self.weighing = weighing
        self.inverse_temperature_gradient = torch.zeros((), dtype=torch.float32, device=inverse_temperature.device)
        self.negative_scale = negative_scale(inverse_temperature, weighing.hardness if weighing.hardens_all else 0.0)
        self.hardens_hand_made = weighing.hardness > 0 and not weighing.hardens_all
        self.needs_hand_made = (weighing.margin is not None and weighing.spares_hand_made) or self.hardens_hand_made
        self.chunk = CHUNK_ON_GPU if inverse_temperature.device.type == "cuda" else CHUNK_ON_CPU

    def chunks(self, block: Block) -> Iterator[tuple[Tensor, Tensor]]:
        """Yields the terms of a block and their columns, as many at once as make a chunk."""
        size = max(1, self.chunk // max(1, sum(len(rivals.contents) for rivals in block.rivals)))
        yield from zip(torch.split(block.terms, size), torch.split(block.columns, size), strict=True)

    def compare(
        self,
        direction: Direction,
        block: Block,
        terms: Tensor,
        anchors: list[Tensor],
        targets: list[Tensor],
        positive: Tensor | None,
        columns: Tensor,
    ) -> Compared:
        """Scores terms against targets.

        Args:
            direction: that of the terms.
            block: theirs.
            terms: (t,) of it.
            anchors: (t, D) for each of the block's rivals.
            targets: (S_i, D) of each of them.
            positive: (t,) similarities of the positives; None takes them from the columns.
            columns: (t,) of the terms' own targets.
        """
        parts = [anchor @ target.T for anchor, target in zip(anchors, targets, strict=True)]
        similarities = parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)
        del parts
        if positive is None:
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
        if self.hardens_hand_made and hand_made is not None and own is not None:
            logits[hand_made] += self.weighing.hardness * own
            lift = torch.where(num_negatives > 0, logits.amax(1), 0.0)
            logits, shift = logits.sub_(lift[:, None]), shift + lift
        exponentials = logits.exp_()
        return Compared(anchors, exponentials, exponentials.sum(1), shift, positive, hardest, num_negatives)

    def odds(self, total: Tensor, shift: Tensor, positive: Tensor) -> Tensor:
        """Returns the log-odds of the negatives against the positive: a term's loss is their softplus, accurate however small it is."""
        return total.log() + shift - positive * self.inverse_temperature

    def scores(self, total: Tensor, shift: Tensor, positive: Tensor, hardest: Tensor, num_negatives: Tensor) -> Scores:
        """Returns what is known of terms whose negatives are all compared."""
        return Scores(F.softplus(self.odds(total, shift, positive)), positive, hardest, num_negatives.float())

    def factor(self, direction: Direction, terms: Tensor, total: Tensor, shift: Tensor, positive: Tensor) -> Tensor:
        """Returns what a term's exponentials are multiplied by to give d loss / d logit: (t, 1)."""
        return (direction.weight[terms] * self.odds(total, shift, positive).sigmoid() / total.clamp(min=1))[:, None]

    def take_back(self, compared: Compared, factor: Tensor, targets: list[Tensor], target_gradients: list[Tensor]) -> Iterator[Tensor]:
        """Adds to the gradients at the targets and at 1 / temperature, and yields that at the anchors of each rivals, (t, D).

        d loss / d logit is sigmoid(odds) * exponential / total at a negative, and minus their sum at the positive. The factor that a row
        shares goes onto the (t, D) matrices.

        Args:
            compared: with minus the total of all negatives in the place of the positive's exponential; used up.
            factor: (t, 1).
            targets: (S_i, D) for each of the block's rivals.
            target_gradients: as they.
        """
        shares = compared.exponentials.split([len(one) for one in targets], dim=1)
        for anchor, target, target_gradient, share in zip(compared.anchors, targets, target_gradients, shares, strict=True):
            pull = (share @ target).mul_(factor)
            self.inverse_temperature_gradient += (pull * anchor).sum()
            target_gradient.addmm_(share.T, anchor.mul_(factor * self.inverse_temperature))
            yield pull.mul_(self.inverse_temperature)
