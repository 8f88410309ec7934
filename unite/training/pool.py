"""The pool of all ranks: what a batch's negatives are taken from.

    each rank    embeds its own contents                                    (U_r, D)
    all_gather   relations; counts may differ by rank                       U = sum of U_r

Then either no rank ever holds the embeddings of all, where the objective can do without:

    broadcast    the embeddings, a piece at a time, twice                   (n, D)
    reduce       the gradient at a piece, to its owner                      (n, D)

or all of them are gathered, for an objective of one's own that asks for the whole pool:

    all_gather   embeddings                                                 (U, D)
    all_reduce   the gradient at the embeddings, each rank keeps its rows   (U, D)

In both each rank scores its own rows, and knows its part of the loss.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
import torch.distributed as dist
from torch import Tensor, nn

from unite.batch import Relations
from unite.processes import num_ranks
from unite.training.parallel import sum_over_ranks

#: Values in a piece. On a CPU 8 MB, small beside what a rank embeds; on a GPU 128 MB, so that there are few messages.
PIECE_ON_CPU, PIECE_ON_GPU = 2**21, 2**25


@dataclass(frozen=True, eq=False)
class Pool:
    """The contents of all ranks, and which are ours.

    Attributes:
        embeddings: (U, D) of all ranks, in the order of the ranks, or, with an exchange, (U_r, D) of this one; a leaf.
        relations: over all of them.
        rows: (B_r,) the rows of this rank in `relations`; None in a single process, where it is all of them.
        first_row: the first of them.
        ours: the slice of `embeddings` that this rank embedded.
        exchange: brings the embeddings of the others; None where they are here.
    """

    embeddings: Tensor
    relations: Relations
    rows: Tensor | None
    first_row: int
    ours: slice
    exchange: RankExchange | None = None

    def own_gradient(self) -> Tensor:
        """Returns the gradient of the loss of all ranks at the embeddings of this one, (U_r, D); all ranks ask for it."""
        gradient = torch.zeros_like(self.embeddings) if self.embeddings.grad is None else self.embeddings.grad
        return gradient if self.exchange is not None else sum_over_ranks(gradient)[self.ours]


class RankExchange:
    """Passes the pieces of a pool around; see `unite.objective.in_pieces.Exchange`.

    Args:
        num_contents: of each rank.
    """

    def __init__(self, num_contents: Sequence[int]) -> None:
        self.starts = [0, *accumulate(num_contents)]
        self.rank = dist.get_rank()
        self._owner: dict[int, int] = {}

    def pieces(self, own: Tensor) -> Iterator[tuple[int, Tensor]]:
        """Yields the pieces of all ranks, the next one on its way meanwhile."""
        size = max(1, (PIECE_ON_GPU if own.is_cuda else PIECE_ON_CPU) // own.shape[1])
        spans = [
            (rank, start, min(start + size, end))
            for rank, end in enumerate(self.starts[1:])
            for start in range(self.starts[rank], end, size)
        ]
        self._owner = {start: rank for rank, start, _ in spans}
        own = own.contiguous()
        coming = None
        for rank, start, end in spans:
            first = self.starts[self.rank]
            piece = own[start - first : end - first] if rank == self.rank else own.new_empty(end - start, own.shape[1])
            message = dist.broadcast(piece, src=rank, async_op=True)
            if coming is not None:
                yield _arrived(*coming)
            coming = (start, piece, message)
        if coming is not None:
            yield _arrived(*coming)

    def return_(self, start: int, gradient: Tensor) -> bool:
        """Sums the gradient at the piece that begins with a content at the rank whose it is; returns whether it is this one."""
        dist.reduce(gradient, dst=self._owner[start])
        return self._owner[start] == self.rank

    def sum(self, tensor: Tensor) -> Tensor:
        """Sums over the ranks, in place."""
        return sum_over_ranks(tensor)


def share_pool(embeddings: Tensor, relations: Relations, *, whole: bool) -> Pool:
    """Makes the contents of all ranks a pool; in a single process they are it already.

    Args:
        embeddings: (U_r, D) of this rank, detached; U_r may differ by rank.
        relations: over them.
        whole: whether to gather the embeddings of all; otherwise they come by the exchange.
    """
    if num_ranks() == 1:
        return Pool(embeddings, relations, None, 0, slice(None))
    shape = torch.tensor(
        [len(embeddings), relations.num_rows, relations.positive.shape[1], relations.negative.shape[1]], device=embeddings.device
    )
    shapes = [torch.empty_like(shape) for _ in range(num_ranks())]
    dist.all_gather(shapes, shape)
    contents, rows, positives, negatives = torch.stack(shapes).cpu().T.tolist()
    rank = dist.get_rank()
    offset = sum(contents[:rank])

    def shifted(index: Tensor) -> Tensor:
        return torch.where(index < 0, index, index + offset)

    gathered = Relations(
        query=_gather(shifted(relations.query), rows),
        positive=_gather(_widen(shifted(relations.positive), max(positives)), rows),
        negative=_gather(_widen(shifted(relations.negative), max(negatives)), rows),
        modality=_gather(relations.modality, contents),
        fingerprint=_gather(relations.fingerprint, contents),
        identity=_gather(relations.identity, contents),
    )
    first = sum(rows[:rank])
    own_rows = torch.arange(first, first + rows[rank], device=embeddings.device)
    if whole:
        return Pool(_gather(embeddings, contents), gathered, own_rows, first, slice(offset, offset + contents[rank]))
    return Pool(embeddings, gathered, own_rows, first, slice(None), RankExchange(contents))


def _arrived(start: int, piece: Tensor, message: dist.Work) -> tuple[int, Tensor]:
    message.wait()
    return start, piece


def _gather(tensor: Tensor, counts: list[int]) -> Tensor:
    """Concatenates the ranks' tensors along the first dimension, (sum of counts, ...)."""
    padded = tensor.new_zeros((max(counts), *tensor.shape[1:]))
    padded[: len(tensor)] = tensor
    parts = [torch.empty_like(padded) for _ in counts]
    dist.all_gather(parts, padded)
    return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])


def _widen(index: Tensor, width: int) -> Tensor:
    return nn.functional.pad(index, (0, width - index.shape[1]), value=-1)
