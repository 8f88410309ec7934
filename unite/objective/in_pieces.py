"""The loss and its gradient where the embeddings of a pool lie in several processes, and none holds them all.

    each process    knows the relations of the whole pool, holds its own embeddings              (U_r, D)
    once around     a piece at a time comes to all; each compares its terms with it              shift, total (T,)
    once more       the same pieces; softmax complete now, so the gradient at a piece is taken   (piece, D), summed at its owner

The sum over a term's negatives is kept as shift and total (exp(logit - shift) summed), which a piece with a larger logit rescales. The
similarities are computed twice, since nothing of the size terms by pool is kept. Beyond what is its own, a process holds a piece, the
gradient at it, a chunk of similarities with its anchors, and the contents that stand for equal ones of several processes.

Shapes: U contents of the pool, U_r of this process, D dimensions, T terms of a direction, n contents of a piece, E contents that stand for
those of other processes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from unite.batch import Relations
from unite.objective.comparison import Comparison, Scores
from unite.objective.masks import Block, Direction, first_of_equals


class Exchange(Protocol):
    """How the processes that share a pool reach each other. All call the same in the same order.

    Attributes:
        starts: the first content of each process, in their order, and U.
        rank: of this process.
    """

    starts: Sequence[int]
    rank: int

    def pieces(self, own: Tensor) -> Iterator[tuple[int, Tensor]]:
        """Yields the first content of each piece of the pool, and the piece (n, D), from everybody's own (U_r, D) float32."""
        ...

    def return_(self, start: int, gradient: Tensor) -> bool:
        """Sums the gradient at a piece, in place, where its contents are; returns whether that is here."""
        ...

    def sum(self, tensor: Tensor) -> Tensor:
        """Sums a tensor over the processes, in place."""
        ...


@dataclass(frozen=True, eq=False)
class Apart:
    """A pool whose embeddings are in several processes.

    Attributes:
        relations: of the whole pool.
        exchange: between the processes.
    """

    relations: Relations
    exchange: Exchange

    @property
    def own(self) -> slice:
        """The contents of this process."""
        return slice(self.exchange.starts[self.exchange.rank], self.exchange.starts[self.exchange.rank + 1])

    def standing_in(self) -> Tensor:
        """Returns the contents that stand for equal queries or positives of other processes, (E,): the same in every process."""
        relations, starts = self.relations, torch.tensor(self.exchange.starts[1:], device=self.relations.query.device)
        used = torch.cat([relations.query, relations.positive[relations.positive >= 0]])
        first = first_of_equals(relations)[used]
        owner, first_owner = (torch.searchsorted(starts, contents, right=True) for contents in (used, first))
        lent: Tensor = torch.unique(first[owner != first_owner])
        return lent


class _Sums:
    """What is known of the negatives of a direction's terms, after the pieces that were seen. All (T,)."""

    def __init__(self, positive: Tensor) -> None:
        self.positive = positive
        self.hardest = torch.full_like(positive, -torch.inf)
        self.shift = torch.full_like(positive, -torch.inf)
        self.total = torch.zeros_like(positive)
        self.num_negatives = torch.zeros_like(positive)

    def add(self, terms: Tensor, total: Tensor, shift: Tensor, hardest: Tensor, num_negatives: Tensor) -> None:
        """Adds what a comparison gave; see `Compared`."""
        shift = torch.where(num_negatives > 0, shift, -torch.inf)
        before = self.shift[terms]
        larger = torch.maximum(before, shift)
        zero = torch.where(larger > -torch.inf, larger, 0.0)  # exp(-inf - 0) is 0, where -inf - -inf is no number
        self.total[terms] = self.total[terms] * (before - zero).exp() + total * (shift - zero).exp()
        self.shift[terms] = larger
        self.hardest[terms] = torch.maximum(self.hardest[terms], hardest)
        self.num_negatives[terms] += num_negatives

    def close(self) -> None:
        """Ends the sum: without any negative the shift is 0."""
        self.shift = torch.where(self.num_negatives > 0, self.shift, 0.0)


class SweepInPieces:
    """Goes over the pool piece by piece, twice if a gradient is wanted.

    Args:
        embeddings: (U_r, D) of this process.
        comparison: of terms with targets.
        apart: where the others are.

    Attributes:
        gradient: (U_r, D) float32, of the loss of all processes.
    """

    def __init__(self, embeddings: Tensor, comparison: Comparison, apart: Apart) -> None:
        self.comparison = comparison
        self.exchange = apart.exchange
        self.own = embeddings.detach().float()
        self.span = apart.own
        self.others = apart.standing_in()
        self.here = (self.others >= self.span.start) & (self.others < self.span.stop)  # of them, ours
        place = torch.full((apart.relations.num_contents,), -1, device=embeddings.device)
        place[self.others] = len(self.own) + torch.arange(len(self.others), device=place.device)
        place[self.span] = torch.arange(len(self.own), device=place.device)
        self.place = place  # of a content among what is near
        self.near = self.own
        if len(self.others):
            lent = self.own.new_zeros(len(self.others), self.own.shape[1])
            lent[self.here] = self.own[self.place[self.others[self.here]]]
            self.near = torch.cat([self.own, self.exchange.sum(lent)])
        self.gradient = torch.zeros((0, 0), dtype=torch.float32, device=embeddings.device)

    def score(self, directions: list[Direction], wanted: bool) -> list[Scores]:
        """Scores every term of every direction."""
        sums = [_Sums(self._positive(direction)) for direction in directions]
        for start, piece in self.exchange.pieces(self.own):
            for direction, known in zip(directions, sums, strict=True):
                self._look(direction, known, start, piece)
        for known in sums:
            known.close()
        if wanted:
            self.gradient = self._gradient(directions, sums)
        return [self.comparison.scores(one.total, one.shift, one.positive, one.hardest, one.num_negatives) for one in sums]

    def _positive(self, direction: Direction) -> Tensor:
        """Returns the similarity of each term's own target, (T,): a margin asks for it before its piece has come."""
        size = max(1, self.comparison.chunk // self.near.shape[1])
        pairs = zip(torch.split(self.place[direction.anchor], size), torch.split(self.place[direction.target], size), strict=True)
        return torch.cat([(self.near[anchor] * self.near[target]).sum(1) for anchor, target in pairs])

    def _look(self, direction: Direction, known: _Sums, start: int, piece: Tensor) -> None:
        for block, targets in self._blocks(direction, start, piece):
            for terms, columns in self.comparison.chunks(block):
                anchors = self._anchors(block, terms)
                found = self.comparison.compare(direction, block, terms, anchors, targets, known.positive[terms], columns)
                known.add(terms, found.total, found.shift, found.hardest, found.num_negatives)

    def _gradient(self, directions: list[Direction], sums: list[_Sums]) -> Tensor:
        """Returns the gradient at this process' embeddings."""
        near_gradient = torch.zeros_like(self.near)
        for start, piece in self.exchange.pieces(self.own):
            gradient = torch.zeros_like(piece)
            for direction, known in zip(directions, sums, strict=True):
                self._take_back(direction, known, start, piece, gradient, near_gradient)
            if self.exchange.return_(start, gradient):
                near_gradient[start - self.span.start : start - self.span.start + len(gradient)] += gradient
        own_gradient = near_gradient[: len(self.own)]
        if len(self.others):
            lent = self.exchange.sum(near_gradient[len(self.own) :])
            own_gradient.index_add_(0, self.place[self.others[self.here]], lent[self.here])
        return own_gradient

    def _take_back(self, direction: Direction, known: _Sums, start: int, piece: Tensor, gradient: Tensor, near_gradient: Tensor) -> None:
        for block, targets in self._blocks(direction, start, piece):
            target_gradients = [torch.zeros_like(one) for one in targets]
            for terms, columns in self.comparison.chunks(block):
                total, shift, positive = known.total[terms], known.shift[terms], known.positive[terms]
                found = self.comparison.compare(direction, block, terms, self._anchors(block, terms), targets, positive, columns)
                # From the largest logit of this piece to that of all; never a larger one, and without negatives here there is nothing.
                rescaled = torch.where(found.num_negatives > 0, found.shift - shift, 0.0).exp()
                found.exponentials.mul_(rescaled[:, None])
                inside = (columns >= 0).nonzero().squeeze(1)
                found.exponentials[inside, columns[inside]] = -total[inside]
                factor = self.comparison.factor(direction, terms, total, shift, positive)
                pulls = self.comparison.take_back(found, factor, targets, target_gradients)
                for rivals, pull in zip(block.rivals, pulls, strict=True):
                    near_gradient.index_add_(0, self.place[rivals.anchor[terms]], pull)
            for rivals, one in zip(block.rivals, target_gradients, strict=True):
                gradient.index_add_(0, rivals.contents - start, one)

    def _blocks(self, direction: Direction, start: int, piece: Tensor) -> Iterator[tuple[Block, list[Tensor]]]:
        """Yields the blocks that have targets in a piece, and these."""
        for whole in direction.blocks:
            block = whole.within(start, start + len(piece))
            if any(len(rivals.contents) for rivals in block.rivals):
                yield block, [piece[rivals.contents - start] for rivals in block.rivals]

    def _anchors(self, block: Block, terms: Tensor) -> list[Tensor]:
        return [self.near[self.place[rivals.anchor[terms]]] for rivals in block.rivals]
