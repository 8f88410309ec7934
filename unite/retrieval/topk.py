"""Exact top-k by inner product, in chunks, with a fixed order of ties.

Shapes: Q queries, C candidates, D dimensions; q and c are the sizes of one chunk of each. Only (q, c) scores exist at a time.
"""

from __future__ import annotations

import torch
from torch import Tensor

from unite.errors import DataError, must_be


@torch.no_grad()
def search(
    queries: Tensor,
    candidates: Tensor,
    k: int,
    *,
    query_chunk: int = 1024,
    candidate_chunk: int = 8192,
    device: torch.device | str | None = None,
) -> tuple[Tensor, Tensor]:
    """Returns the k candidates of the highest inner product with each query, best first.

    Scores are float32, whatever the embeddings are stored as. Of equal scores the lower candidate index comes first, for every chunk size.

    Args:
        queries: (Q, D).
        candidates: (C, D). Chunks of it are moved to `device`; a pool that fits there is best moved whole beforehand.
        k: how many to return, at most C.
        query_chunk: q.
        candidate_chunk: c; the memory used is 4 q c bytes and the result.
        device: where to compute; where the queries are by default.

    Returns:
        scores (Q, k) float32 and indices (Q, k) int64, on `device`.

    Raises:
        DataError: if the shapes do not match, k is not in 1..C, a chunk is empty, or an embedding is not finite.
    """
    check_embeddings(queries, candidates)
    if not 1 <= k <= len(candidates):
        hint = "Ask for fewer hits, or search a larger pool."
        raise DataError(must_be("k", f"from 1 to the number of candidates ({len(candidates)})", k, hint))
    if min(query_chunk, candidate_chunk) < 1:
        raise DataError(must_be("query_chunk and candidate_chunk", "at least 1", (query_chunk, candidate_chunk)))
    device = torch.device(device) if device is not None else queries.device
    scores = torch.empty(len(queries), k, device=device)
    indices = torch.empty(len(queries), k, dtype=torch.int64, device=device)
    # One block of scores for the whole search: allocating it anew for every chunk costs as much as the top-k.
    block = torch.empty(min(query_chunk, len(queries)) * min(candidate_chunk, len(candidates)), device=device)
    for start in range(0, len(queries), query_chunk):
        query = queries[start : start + query_chunk].to(device, torch.float32)
        best = torch.empty(len(query), 0, device=device)
        where = torch.empty(len(query), 0, dtype=torch.int64, device=device)
        for first in range(0, len(candidates), candidate_chunk):
            candidate = candidates[first : first + candidate_chunk].to(device, torch.float32)
            chunk = torch.mm(query, candidate.T, out=block[: len(query) * len(candidate)].view(len(query), len(candidate)))
            columns = _top_columns(chunk, k)
            # What was best so far has lower indices and stands first: a stable sort keeps the order of ties.
            values = torch.cat([best, chunk.gather(1, columns)], dim=1)
            where = torch.cat([where, columns + first], dim=1)
            best, order = values.sort(dim=1, descending=True, stable=True)
            best, where = best[:, :k], where.gather(1, order[:, :k])
        scores[start : start + query_chunk], indices[start : start + query_chunk] = best, where
    return scores, indices


def check_embeddings(queries: Tensor, candidates: Tensor) -> None:
    """Refuses embeddings that cannot be ranked.

    Raises:
        DataError: if they are not (Q, D) and (C, D) of one D, or one is NaN or infinite (the rows are named).
    """
    if queries.ndim != 2 or candidates.ndim != 2 or queries.shape[1] != candidates.shape[1]:
        actual = f"{tuple(queries.shape)} and {tuple(candidates.shape)}"
        raise DataError(must_be("queries and candidates", "matrices (Q, D) and (C, D) of the same D", actual))
    for name, embeddings in (("queries", queries), ("candidates", candidates)):
        # A row's sum is not finite when an element is not, and takes no second matrix.
        bad = (~embeddings.sum(dim=1, dtype=torch.float32).isfinite()).nonzero().flatten().tolist()
        if bad:
            raise DataError(must_be(f"the embeddings of the {name}", "finite", f"NaN or infinite in {len(bad)} rows, first {bad[:5]}"))


def _top_columns(scores: Tensor, k: int) -> Tensor:
    """Returns (q, min(k, c)) columns of the highest scores in ascending order; of ties at the edge, those of the lowest index."""
    k = min(k, scores.shape[1])
    if k == scores.shape[1]:
        return torch.arange(k, device=scores.device).expand(len(scores), k)
    values, columns = scores.topk(k + 1, dim=1)
    columns = columns[:, :k]
    tied = (values[:, k] == values[:, k - 1]).nonzero().flatten()
    if len(tied):  # topk picked any of the equal ones
        columns[tied] = scores[tied].sort(dim=1, descending=True, stable=True).indices[:, :k]
    return columns.sort(dim=1).values
