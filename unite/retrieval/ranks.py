"""At which rank named candidates stand, by counting what scores higher: no sort, and no k.

Shapes: Q queries, C candidates, D dimensions, R targets of a query, P candidates in its pool (-1 fills up shorter rows); q and c are those
of one block of scores.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from unite.errors import DataError, must_be
from unite.precision import full_float32
from unite.retrieval.product import moved, on_device, pair_products, products, sums_alike
from unite.retrieval.topk import check_embeddings

#: Scores of a block: they are compared while they are in the processor's cache. A GPU is better filled.
_BLOCK, _BLOCK_ON_GPU = 2**20, 2**24
#: Of a block, so many scores on a CPU are compared with all targets before the next: they and what is written of them stay in its cache.
_PIECE = 2**18
#: Queries of a block at most: more make a product no faster.
_QUERIES = 1024
#: Where targets are at most such a share of the candidates, their scores are computed first, and no others are held.
_FEW = 1 / 8


@torch.no_grad()
def ranks(
    queries: Tensor,
    candidates: Tensor,
    targets: Tensor,
    pools: Tensor | None = None,
    *,
    max_elements: int = 2**26,
    device: torch.device | str | None = None,
) -> Tensor:
    """Returns the rank of each target among the candidates (or its query's pool), by inner product in float32; 1 is best.

    Rank = 1 + candidates of a higher score + candidates of the same score that stand earlier: those of a lower index, as `search` orders
    them, and in a pool those before it in the pool's own row.

    Args:
        queries: (Q, D).
        candidates: (C, D).
        targets: (Q, R) int64, indices of candidates, -1 where there are fewer than R.
        pools: (Q, P) int64, the candidates that each query is ranked against, in the order of ties, -1 where there are fewer than P; all by
            default.
        max_elements: bounds the numbers held at a time (scores, or gathered candidates when there are pools).
        device: where to compute; on a GPU if there is one by default.

    Returns:
        (Q, R) int64 on the CPU, 0 where the target is -1.

    Raises:
        DataError: if the shapes do not match, an embedding is not finite, or a target is not in its query's pool.
    """
    check_embeddings(queries, candidates)
    for name, indices in (("targets", targets), ("pools", pools)):
        if indices is not None and (indices.ndim != 2 or len(indices) != len(queries)):
            raise DataError(must_be(name, f"of shape ({len(queries)}, ...), one row a query", tuple(indices.shape)))
        if indices is not None and indices.numel() and not -1 <= int(indices.min()) <= int(indices.max()) < len(candidates):
            actual = f"{int(indices.min())} to {int(indices.max())}"
            raise DataError(must_be(name, f"indices of the {len(candidates)} candidates, or -1", actual))
    width = len(candidates) if pools is None else pools.shape[1] * queries.shape[1]
    chunk = max(1, min(_QUERIES, max_elements // max(1, width)))
    chunk -= chunk % 64 if chunk > 64 else 0  # rows of vector registers, without a rest

    def of_all(device: torch.device) -> Tensor:
        result = torch.zeros(targets.shape, dtype=torch.int64)
        everyone = moved(candidates, device) if pools is None else candidates
        # Many queries at once if their scores need not be held: each reads all candidates.
        is_streamed = pools is None and sums_alike(device) and min(len(queries), _QUERIES) * targets.shape[1] <= _FEW * len(candidates)
        step = min(_QUERIES, max_elements) if is_streamed else chunk
        with full_float32(device):
            for start in range(0, len(queries), step):
                rows = slice(start, start + step)
                query, target = queries[rows].to(device, torch.float32), targets[rows].to(device)
                if pools is not None:
                    counted = _in_pools(query, everyone, target, pools[rows], start)
                elif is_streamed:
                    counted = _streamed(query, everyone, target, max_elements, chunk)
                else:
                    counted = _among_all(query, everyone, target, max_elements)
                result[rows] = counted.cpu()
        return result

    return on_device(of_all, queries, device)


def _streamed(query: Tensor, candidates: Tensor, target: Tensor, max_elements: int, chunk: int) -> Tensor:
    """Returns (q, R) ranks among all candidates, read once; 0 where the target is -1. `chunk` queries have scores that can be held."""
    width = _width(query, max_elements)
    score = pair_products(query, candidates, target, width)
    counted, found = _counted(products(query, candidates, width), score, target)
    if torch.equal(score[target >= 0], found[target >= 0]):
        return counted
    parts = zip(query.split(chunk), target.split(chunk), strict=True)
    return torch.cat([_among_all(some, candidates, wanted, max_elements) for some, wanted in parts])


def _among_all(query: Tensor, candidates: Tensor, target: Tensor, max_elements: int) -> Tensor:
    """Returns (q, R) ranks among all candidates, all scores held; 0 where the target is -1."""
    blocks = list(products(query, candidates, _width(query, max_elements)))
    # A target's score is read from the product that it is compared in: another way to compute it could round otherwise.
    score = torch.empty(target.shape, device=query.device)
    for start, block in blocks:
        score = _read(block, start, target, score)
    return _counted(blocks, score, target)[0]


def _width(query: Tensor, max_elements: int) -> int:
    return max(1, min(max_elements, _BLOCK_ON_GPU if query.is_cuda else _BLOCK) // max(1, len(query)))


def _read(block: Tensor, start: int, target: Tensor, score: Tensor) -> Tensor:
    """Returns the scores (q, R) of targets, those in the block of scores (q, c) that begins at `start` taken from it."""
    is_here = (target >= start) & (target < start + block.shape[1])
    return torch.where(is_here, block.gather(1, (target - start).clamp(0, block.shape[1] - 1)), score)


def _counted(blocks: Iterable[tuple[int, Tensor]], score: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the ranks (q, R) of targets with these scores, 0 where the target is -1, and the scores they have in the blocks."""
    ahead, found, below = torch.zeros_like(target), score, _next_below(score)
    asked = [(target[:, column] >= 0).nonzero().flatten() for column in range(target.shape[1])]
    higher = torch.empty(0, device=score.device)  # one for all: new memory would be filled with zeros first
    for start, block in blocks:
        found = _read(block, start, target, found)
        piece = block.shape[1] if block.is_cuda else max(1, _PIECE // len(block))
        for first in range(0, block.shape[1], piece):  # one after the other, so that each is read from memory once
            scores, position = block[:, first : first + piece], target - start - first
            num = scores.shape[1]
            # Before the target what is equal counts too, which is what is higher than the next number below: one comparison for all.
            bounds = torch.where(position >= num, below, score).T.contiguous()  # each read as a whole, so it lies in one piece
            if higher.shape != scores.shape:
                higher = torch.empty_like(scores)
            for column, rows in enumerate(asked):
                # As 0.0 and 1.0: on a CPU these are written and added up several times as fast as booleans.
                if len(rows) == len(block):
                    ahead[:, column] += torch.gt(scores, bounds[column, :, None], out=higher).sum(dim=1).long()
                elif len(rows):
                    some = scores[rows]
                    ahead[rows, column] += torch.gt(some, bounds[column, rows, None], out=torch.empty_like(some)).sum(dim=1).long()
            rows, columns = ((position > 0) & (position < num)).nonzero().T
            if len(rows):
                is_before = torch.arange(num, device=score.device) < position[rows, columns, None]
                ahead[rows, columns] += ((scores[rows] == score[rows, columns, None]) & is_before).sum(dim=1)
    return (1 + ahead) * (target >= 0), found


def _next_below(score: Tensor) -> Tensor:
    """Returns the next number below each."""
    below = torch.nextafter(score, torch.full_like(score, -torch.inf))
    return torch.where(below < score, below, score.clamp(max=-torch.finfo(score.dtype).tiny))  # zero, where denormal numbers are flushed


def _in_pools(query: Tensor, candidates: Tensor, target: Tensor, pool: Tensor, start: int) -> Tensor:
    """Returns (q, R) ranks among each query's pool (q, P); 0 where the target is -1. `start` is the first query's number, for errors."""
    columns = pool.to(query.device)
    members = candidates[pool.clamp(min=0).to(candidates.device)].to(query)
    # Added up row by row: a batched product may round what is equal in two ways.
    scores = members.mul_(query[:, None]).sum(dim=2).masked_fill(columns < 0, -torch.inf)
    places = torch.arange(columns.shape[1], device=query.device)
    counted = torch.zeros_like(target)
    for at, wanted in enumerate(target.T):
        given = wanted >= 0
        found = columns == wanted[:, None]
        missing = (given & ~found.any(dim=1)).nonzero().flatten().tolist()
        if missing:
            raise DataError(f"the target of query {start + missing[0]} must be in its pool, but is not ({len(missing)} such queries).")
        position = found.int().argmax(dim=1, keepdim=True)
        score = scores.gather(1, position)
        ahead = (scores > score) | ((scores == score) & (places < position))
        counted[:, at] = (1 + ahead.sum(dim=1)) * given
    return counted
