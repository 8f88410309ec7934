"""At which rank named candidates stand, by counting what scores higher: no sort, and no k.

Shapes: Q queries, C candidates, D dimensions, R targets of a query, P candidates in its pool (-1 fills up shorter rows).
"""

from __future__ import annotations

import torch
from torch import Tensor

from unite.errors import DataError, must_be
from unite.retrieval.topk import check_embeddings


@torch.no_grad()
def ranks(
    queries: Tensor,
    candidates: Tensor,
    targets: Tensor,
    pools: Tensor | None = None,
    *,
    max_elements: int = 2**24,
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
        device: where to compute; where the queries are by default.

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
    device = torch.device(device) if device is not None else queries.device
    result = torch.zeros(targets.shape, dtype=torch.int64)
    width = len(candidates) if pools is None else pools.shape[1] * queries.shape[1]
    chunk = max(1, max_elements // max(1, width))
    pool = candidates.to(device, torch.float32) if pools is None else candidates
    everyone = torch.arange(len(candidates), device=device)[None]
    for start in range(0, len(queries), chunk):
        rows = slice(start, start + chunk)
        query, target = queries[rows].to(device, torch.float32), targets[rows].to(device)
        if pools is None:
            scores, columns = query @ pool.T, everyone
        else:
            columns = pools[rows].to(device)
            members = pool[columns.clamp(min=0).to(pool.device)].to(device, torch.float32)
            scores = torch.bmm(members, query[:, :, None])[..., 0].masked_fill(columns < 0, -torch.inf)
        # One column of targets at a time: (q, R, C) comparisons would not fit.
        counted = [_rank(scores, columns, column[:, None], start, pools is not None) for column in target.T]
        if counted:
            result[rows] = torch.stack(counted, dim=1).cpu()
    return result


def _rank(scores: Tensor, columns: Tensor, target: Tensor, start: int, pooled: bool) -> Tensor:
    """Returns (q,) ranks of one target (q, 1) a row; 0 where it is -1."""
    given = target[:, 0] >= 0
    position = target.clamp(min=0)
    if pooled:
        found = columns == target
        position = found.int().argmax(dim=1, keepdim=True)
        missing = (given & ~found.any(dim=1)).nonzero().flatten().tolist()
        if missing:
            raise DataError(f"the target of query {start + missing[0]} must be in its pool, but is not ({len(missing)} such queries).")
    places = torch.arange(scores.shape[1], device=scores.device)
    # The target's score is read from the same product that it is compared with: another way to compute it could round otherwise.
    score = scores.gather(1, position)
    ahead = (scores > score) | ((scores == score) & (places < position))
    return (1 + ahead.sum(dim=1)) * given
