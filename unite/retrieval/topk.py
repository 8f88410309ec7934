"""Exact top-k by inner product, in chunks, with a fixed order of ties.

Shapes: Q queries, C candidates, D dimensions; q and c are the sizes of one chunk of each. Only (q, c) scores exist at a time.
"""

from __future__ import annotations

import torch
from torch import Tensor

from unite.errors import DataError, must_be
from unite.precision import full_float32
from unite.retrieval.product import moved, on_device, products


@torch.no_grad()
def search(
    queries: Tensor,
    candidates: Tensor,
    k: int,
    *,
    query_chunk: int = 1024,
    candidate_chunk: int = 8192,
    allowed: Tensor | None = None,
    device: torch.device | str | None = None,
) -> tuple[Tensor, Tensor]:
    """Returns the k candidates of the highest inner product with each query, best first.

    Scores are float32, whatever the embeddings are stored as. Of equal scores the lower candidate index comes first, for every chunk size.

    Args:
        queries: (Q, D).
        candidates: (C, D). Where they do not fit on `device`, chunks of them are moved.
        k: how many to return; of a larger one than C, C are returned, as trec_eval does.
        query_chunk: q.
        candidate_chunk: c; the memory used is 4 q c bytes and the result.
        allowed: (C,) bool, which candidates may be found; the others score -inf, and stand last. None is all.
        device: where to compute; on a GPU if there is one by default.

    Returns:
        scores (Q, min(k, C)) float32 and indices (Q, min(k, C)) int64, where the queries are.

    Raises:
        DataError: if the shapes do not match, k is below 1, there are no candidates, a chunk is empty, or an embedding is not finite.
    """
    check_embeddings(queries, candidates)
    if k < 1 or not len(candidates):
        raise DataError(must_be("k and the number of candidates", "at least 1", (k, len(candidates))))
    if min(query_chunk, candidate_chunk) < 1:
        raise DataError(must_be("query_chunk and candidate_chunk", "at least 1", (query_chunk, candidate_chunk)))
    if allowed is not None and (allowed.shape != (len(candidates),) or allowed.dtype != torch.bool):
        actual = f"{allowed.dtype} {tuple(allowed.shape)}"
        raise DataError(must_be("allowed", f"torch.bool of shape ({len(candidates)},), one of each candidate", actual))

    def of_all(device: torch.device) -> tuple[Tensor, Tensor]:
        everyone = moved(candidates, device)
        refused = None if allowed is None else ~allowed.to(device)
        with full_float32(device):
            found = [_best(query.to(device, torch.float32), everyone, k, candidate_chunk, refused) for query in queries.split(query_chunk)]
        return torch.cat([scores for scores, _ in found]).to(queries.device), torch.cat([indices for _, indices in found]).to(
            queries.device
        )

    return on_device(of_all, queries, device)


def _best(query: Tensor, candidates: Tensor, k: int, candidate_chunk: int, refused: Tensor | None) -> tuple[Tensor, Tensor]:
    """Returns scores and indices (q, k) of the best for one chunk of queries, on its device."""
    best = torch.empty(len(query), 0, device=query.device)
    where = torch.empty(len(query), 0, dtype=torch.int64, device=query.device)
    for first, scores in products(query, candidates, candidate_chunk):
        chunk = scores.contiguous()
        if refused is not None:
            chunk = chunk.masked_fill(refused[first : first + chunk.shape[1]], -torch.inf)
        columns = _top_columns(chunk, k)
        # What was best so far has lower indices and stands first: a stable sort keeps the order of ties.
        values = torch.cat([best, chunk.gather(1, columns)], dim=1)
        where = torch.cat([where, columns + first], dim=1)
        best, order = values.sort(dim=1, descending=True, stable=True)
        best, where = best[:, :k], where.gather(1, order[:, :k])
    return best, where


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
