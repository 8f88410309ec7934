"""At which rank named candidates stand, by counting what scores higher: no sort, and no k.

Shapes: Q queries, C candidates, D dimensions, R targets of a query, P candidates in its pool (-1 fills up shorter rows); q and c are those
of one block of scores.
"""

from __future__ import annotations

import torch
from torch import Tensor

from unite.errors import DataError, must_be
from unite.precision import full_float32
from unite.retrieval.product import moved, on_device, products
from unite.retrieval.topk import check_embeddings

#: Scores of a block: they are compared while they are in the processor's cache. A GPU is better filled.
_BLOCK, _BLOCK_ON_GPU = 2**20, 2**24
#: Of a block, compared one after the other.
_PIECES = 4
#: Queries of a block at most: more make a product no faster.
_QUERIES = 1024


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
        with full_float32(device):
            for start in range(0, len(queries), chunk):
                rows = slice(start, start + chunk)
                query, target = queries[rows].to(device, torch.float32), targets[rows].to(device)
                counted = (
                    _among_all(query, everyone, target, max_elements)
                    if pools is None
                    else _in_pools(query, everyone, target, pools[rows], start)
                )
                result[rows] = counted.cpu()
        return result

    return on_device(of_all, queries, device)


def _among_all(query: Tensor, candidates: Tensor, target: Tensor, max_elements: int) -> Tensor:
    """Returns (q, R) ranks among all candidates; 0 where the target is -1."""
    width = max(1, min(max_elements, _BLOCK_ON_GPU if query.is_cuda else _BLOCK) // max(1, len(query)))
    blocks = list(products(query, candidates, width))
    # A target's score is read from the product that it is compared in: another way to compute it could round otherwise.
    score = torch.empty(target.shape, device=query.device)
    for start, block in blocks:
        is_here = (target >= start) & (target < start + block.shape[1])
        score = torch.where(is_here, block.gather(1, (target - start).clamp(0, block.shape[1] - 1)), score)
    ahead = torch.zeros_like(target)
    asked = [(target[:, column] >= 0).nonzero().flatten() for column in range(target.shape[1])]
    piece = width if query.is_cuda else max(1, width // _PIECES)
    for start, block in blocks:
        for first in range(0, block.shape[1], piece):  # one after the other, so that each is read from memory once
            scores = block[:, first : first + piece]
            for column, rows in enumerate(asked):
                if len(rows):
                    some = scores if len(rows) == len(block) else scores[rows]
                    ahead[rows, column] += _ahead(some, score[rows, column, None], target[rows, column] - start - first)
    return (1 + ahead) * (target >= 0)


def _ahead(scores: Tensor, score: Tensor, position: Tensor) -> Tensor:
    """Returns (q,) how many of (q, c) scores stand ahead of a target.

    Args:
        scores: of some candidates that follow one another.
        score: (q, 1) of the target.
        position: (q,) the target's column, below 0 or from c on where it is not among them.
    """
    num = scores.shape[1]
    # Before the target what is equal counts too, which is what is higher than the next number below: one comparison for all.
    below = torch.nextafter(score, torch.full_like(score, -torch.inf))
    below = torch.where(below < score, below, score.clamp(max=-torch.finfo(score.dtype).tiny))  # zero, where denormal numbers are flushed
    bound = torch.where(position[:, None] >= num, below, score)
    # As 0.0 and 1.0: on a CPU these are written and added up several times as fast as booleans.
    higher = torch.gt(scores, bound, out=torch.empty_like(scores)).sum(dim=1).long()
    here = ((position > 0) & (position < num)).nonzero().flatten()
    if len(here):
        columns = torch.arange(num, device=scores.device)
        higher[here] += ((scores[here] == score[here]) & (columns < position[here, None])).sum(dim=1)
    return higher


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
