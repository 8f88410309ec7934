"""Exact top-k and exact ranks, against a bare float32 matrix product and against faiss's flat index where that is installed.

    python -m benchmarks ranking [--quick]

    search       the 10 best of 100k candidates, D = 1536, for 2048 queries, against a matrix product and `torch.topk` in the same chunks
    ranks        of one and of five targets of 1024 queries among 100k candidates, D = 1536, and of 256 among 1M, D = 512, against a
                 matrix product in chunks that keeps nothing, and faiss's IndexFlatIP asked for the 10 best

What is compared takes turns, so that what else the machine does meets all of it; a ratio is the median of the turns'.
"""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from unite.retrieval.ranks import ranks
from unite.retrieval.topk import search

_QUERY_CHUNK, _CANDIDATE_CHUNK, _K = 1024, 8192, 10
_REPEATS = 3


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


def bare_product(queries: Tensor, candidates: Tensor) -> None:
    """The matrix product alone, in chunks that fill one block of memory again and again, the fastest way to have torch do it."""
    chunk = 2**21 // len(queries)
    block = torch.empty(len(queries), chunk)
    for part in candidates.split(chunk):
        torch.mm(queries, part.T, out=block[:, : len(part)])


def run(quick: bool) -> dict[str, float]:
    """Returns the ratios and the seconds of each."""
    sizes = (4_096, 512, 10_000, 128) if quick else (100_000, 1_024, 1_000_000, 256)
    num_candidates, num_queries, many_candidates, few_queries = sizes
    wide, asked = _embeddings(num_candidates, 1536, 0), _embeddings(num_queries, 1536, 1)
    figures = _ranks(asked, wide, (1, 5), "")
    figures |= _search(_embeddings(512 if quick else 2_048, 1536, 2), wide)
    del wide
    return figures | _ranks(_embeddings(few_queries, 512, 3), _embeddings(many_candidates, 512, 4), (1, 5), "_1m")


def _embeddings(num: int, dim: int, seed: int) -> Tensor:
    embeddings = torch.randn(num, dim, generator=torch.Generator().manual_seed(seed))
    return embeddings.div_(embeddings.norm(dim=1, keepdim=True))


def _ranks(queries: Tensor, candidates: Tensor, num_targets: tuple[int, ...], suffix: str) -> dict[str, float]:
    targets = torch.randint(len(candidates), (len(queries), max(num_targets)), generator=torch.Generator().manual_seed(5))
    ways: dict[str, Callable[[], Any]] = {"bare": lambda: bare_product(queries, candidates)}
    for num in num_targets:
        name = "ranks_1_target" if num == 1 else f"ranks_{num}_targets"
        ways[name] = lambda wanted=targets[:, :num]: ranks(queries, candidates, wanted)  # type: ignore[misc]
    found = ranks(queries[:64], candidates, targets[:64, :1])
    scores = queries[:64].double() @ candidates.double().T
    expected = 1 + (scores > scores.gather(1, targets[:64, :1])).sum(dim=1, keepdim=True)
    assert (found - expected).abs().max() <= 2, "a float32 score may pass another's by its rounding, and no more"
    flat = _faiss(queries, candidates)
    if flat is not None:
        ways["faiss_flat"] = flat
    seconds = _in_turns(ways)
    figures = {}
    for name in (name for name in ways if name.startswith("ranks")):
        for other, told in (("bare", "vs_bare_matmul"), ("faiss_flat", "vs_faiss_flat")):
            if other in ways:
                of = name.removeprefix("ranks").removesuffix("_1_target")
                figures[f"ranks_{told}{of}{suffix}"] = _ratio(seconds[name], seconds[other])
    return figures | {f"ranks_{name.removeprefix('ranks_')}{suffix}_seconds": min(times) for name, times in seconds.items()}


def _search(queries: Tensor, candidates: Tensor) -> dict[str, float]:
    found = search(queries[:256], candidates, _K)
    torch.testing.assert_close(found[0], bare_search(queries[:256], candidates, _K)[0])
    ways: dict[str, Callable[[], Any]] = {
        "search": lambda: search(queries, candidates, _K, query_chunk=_QUERY_CHUNK, candidate_chunk=_CANDIDATE_CHUNK),
        "bare": lambda: bare_search(queries, candidates, _K),
    }
    seconds = _in_turns(ways)
    return {
        "ranking_time_vs_bare_matmul": _ratio(seconds["search"], seconds["bare"]),
        "ranking_seconds": min(seconds["search"]),
        "bare_matmul_seconds": min(seconds["bare"]),
    }


def _faiss(queries: Tensor, candidates: Tensor) -> Callable[[], Any] | None:
    try:
        faiss: Any = importlib.import_module("faiss")
    except ImportError:
        return None
    faiss.omp_set_num_threads(torch.get_num_threads())
    index = faiss.IndexFlatIP(candidates.shape[1])
    index.add(candidates.numpy())
    return lambda: index.search(queries.numpy(), _K)


def _in_turns(ways: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(_REPEATS + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            if repeat > 0:  # the first warms up
                seconds[name].append(time.perf_counter() - start)
    return seconds


def _ratio(seconds: list[float], others: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(seconds, others, strict=True))
