"""Exact top-k against a bare float32 matrix product with torch.topk, chunked the same. `python benchmarks/ranking.py [--quick]`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor

from unite.retrieval.topk import search

_QUERY_CHUNK, _CANDIDATE_CHUNK, _K = 1024, 8192, 10


def bare_search(queries: Tensor, candidates: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Matrix product and top-k, chunk by chunk; ties as they come."""
    scores, indices = [], []
    for query in queries.split(_QUERY_CHUNK):
        best, where = torch.empty(len(query), 0), torch.empty(len(query), 0, dtype=torch.int64)
        for start in range(0, len(candidates), _CANDIDATE_CHUNK):
            values, at = (query @ candidates[start : start + _CANDIDATE_CHUNK].T).topk(k, dim=1)
            values, where = torch.cat([best, values], dim=1), torch.cat([where, at + start], dim=1)
            best, order = values.topk(k, dim=1)
            where = where.gather(1, order)
        scores.append(best)
        indices.append(where)
    return torch.cat(scores), torch.cat(indices)


def run(quick: bool) -> dict[str, float]:
    """Returns `ranking_time_vs_bare_matmul` (the median ratio of paired runs) and the seconds of both.

    100k candidates x 10k queries at D = 1536, or with `quick` 20k x 2k.
    """
    num_candidates, num_queries, repeats = (20_000, 2_048, 5) if quick else (100_000, 10_000, 3)
    generator = torch.Generator().manual_seed(0)
    candidates = torch.nn.functional.normalize(torch.randn(num_candidates, 1536, generator=generator), dim=1)
    queries = torch.nn.functional.normalize(torch.randn(num_queries, 1536, generator=generator), dim=1)
    ours, bare = [], []
    for _ in range(repeats):  # in turns, so that what else the machine does meets both
        seconds, found = _timed(lambda: search(queries, candidates, _K, query_chunk=_QUERY_CHUNK, candidate_chunk=_CANDIDATE_CHUNK))
        ours.append(seconds)
        seconds, expected = _timed(lambda: bare_search(queries, candidates, _K))
        bare.append(seconds)
        torch.testing.assert_close(found[0], expected[0])
    ratios = sorted(one / other for one, other in zip(ours, bare, strict=True))
    return {
        "ranking_time_vs_bare_matmul": ratios[len(ratios) // 2],
        "ranking_seconds": min(ours),
        "bare_matmul_seconds": min(bare),
    }


def _timed(action: Callable[[], tuple[Tensor, Tensor]]) -> tuple[float, tuple[Tensor, Tensor]]:
    start = time.perf_counter()
    result = action()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    print(json.dumps(run("--quick" in sys.argv), indent=2))
