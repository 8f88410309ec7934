"""Searching a stored corpus, and building its index, against faiss: 100,000 rows of 512 dimensions, 10 hits.

    python -m benchmarks index [--quick]

Ours is `Index.search` as a program calls it: it looks whether the corpus changed, and brings the rows' text, metadata and thumbnails from
disk. faiss's is the search alone, in memory: `IndexFlatIP` beside the exact search, and beside the index `IndexIVFRaBitQ`, the same codes
of a bit a dimension (20 of 316 lists, behind a random rotation), whose best are compared whole (`IndexRefineFlat`), with as many of them as
ours. One query at a time, in turns.

Two kinds of vectors, neither of which an encoder made: *clustered* ones in 100 topics of 20 subjects each, whose spectrum falls as 1/k, so
that a query has a few near neighbours and many far ones, as embeddings do; *random* ones, all about as far from one another, where no index
has much to go by.
"""

from __future__ import annotations

import importlib
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from unite.config.schema import IndexKind, IndexOptions
from unite.search.corpus.facts import CorpusFacts
from unite.search.corpus.layout import vector_column
from unite.search.corpus.stored import StoredCorpus
from unite.search.index import Index, build_index
from unite.search.index.ranking import FIRST_POOL

Way: TypeAlias = Callable[[NDArray[np.float32]], Any]

_K, _REFINE = 10, 10
_THUMBNAIL = bytes(4096)


def clustered(num: int, dim: int, seed: int) -> NDArray[np.float32]:
    """Returns (num, dim) unit vectors in topics and subjects, the same ones for every seed."""
    fixed, draw = np.random.default_rng(0), np.random.default_rng(seed)
    spectrum = (1 / np.sqrt(np.arange(1, dim + 1))).astype(np.float32)
    topics, subjects = (fixed.normal(size=(count, dim)).astype(np.float32) for count in (100, 2000))
    subject = draw.integers(0, len(subjects), num)
    return _unit((topics[subject // 20] + subjects[subject] + draw.normal(size=(num, dim)).astype(np.float32)) * spectrum)


def random(num: int, dim: int, seed: int) -> NDArray[np.float32]:
    """Returns (num, dim) unit vectors in all directions alike."""
    return _unit(np.random.default_rng(seed).normal(size=(num, dim)).astype(np.float32))


def run(quick: bool) -> dict[str, float]:
    """Returns seconds, ratios and recalls."""
    num, dim, num_queries = (2_000, 64, 20) if quick else (100_000, 512, 100)
    figures = _measured(clustered(num, dim, 1), clustered(num_queries, dim, 2), "")
    return figures | _measured(random(num, dim, 1), random(num_queries, dim, 2), "_random")


def _measured(vectors: NDArray[np.float32], queries: NDArray[np.float32], suffix: str) -> dict[str, float]:
    nearest = np.argsort(-(queries @ vectors.T), axis=1, kind="stable")[:, :_K]
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder), vectors)
        flat, peer, seconds_of_faiss = _faiss(vectors)
        times, found = _in_turns({"exact": _search(Index(folder)), **flat}, queries)
        options = IndexOptions(kind=IndexKind.ivf_rq, refine_factor=_REFINE, full_text=False)
        seconds = build_index(folder, options).seconds
        for collected, more in zip((times, found), _in_turns({"indexed": _search(Index(folder)), **peer}, queries), strict=True):
            collected |= more
    recall = {
        name: float(np.mean([len({*row} & {*best}) / _K for row, best in zip(rows, nearest, strict=True)])) for name, rows in found.items()
    }
    assert recall["exact"] > 0.999, "an exact search finds all but what rounding swaps"
    figures = {
        "index_exact_query_seconds": statistics.median(times["exact"]),
        "index_query_seconds": statistics.median(times["indexed"]),
        "index_recall_at_10": recall["indexed"],
        "index_build_seconds": seconds,
    }
    if peer:
        figures |= {
            "index_exact_query_vs_faiss": statistics.median(times["exact"]) / statistics.median(times["faiss_flat"]),
            "index_query_vs_faiss": statistics.median(times["indexed"]) / statistics.median(times["faiss"]),
            "index_build_vs_faiss": seconds / seconds_of_faiss,
            "index_recall_at_10_of_faiss": recall["faiss"],
        }
    return {f"{key}{suffix}": value for key, value in figures.items()}


def _write(folder: Path, vectors: NDArray[np.float32]) -> None:
    facts = CorpusFacts("benchmark", "none", "0", "0", vectors.shape[1], is_whole=True)
    corpus = StoredCorpus.create(folder, facts, {"price": "int64"})
    for start in range(0, len(vectors), 20_000):
        part = vectors[start : start + 20_000]
        places = range(start, start + len(part))
        own = {"source": [f"pictures/{place}.png" for place in places], "modality": ["image"] * len(part)}
        numbers = {name: pa.array(places, pa.int64()) for name in ("fingerprint", "size", "modified", "price")}
        texts = {"id": [str(place) for place in places], "text": [f"a picture, number {place}" for place in places]}
        corpus.add(pa.table({**texts, **own, **numbers, "thumbnail": [_THUMBNAIL] * len(part), "vector": vector_column(part)}))
    corpus.optimize()


def _search(index: Index) -> Way:
    return lambda query: [int(hit.id) for hit in index.search(query, k=_K)]


def _faiss(vectors: NDArray[np.float32]) -> tuple[dict[str, Way], dict[str, Way], float]:
    """Returns faiss's exact search and its index, and how long that took to build; nothing where faiss is not installed."""
    try:
        faiss: Any = importlib.import_module("faiss")
    except ImportError:
        return {}, {}, 0.0
    faiss.omp_set_num_threads(torch.get_num_threads())
    num, dim = vectors.shape
    flat = faiss.IndexFlatIP(dim)
    flat.add(vectors)
    start = time.perf_counter()
    coarse = faiss.IndexFlatIP(dim)
    lists = faiss.IndexIVFRaBitQ(coarse, dim, round(num**0.5), faiss.METRIC_INNER_PRODUCT)
    lists.nprobe = 20
    rotation = faiss.RandomRotationMatrix(dim, dim)
    refined = faiss.IndexRefineFlat(faiss.IndexPreTransform(rotation, lists))
    refined.k_factor = _REFINE * FIRST_POOL / _K  # ours ranks so many at least
    refined.train(vectors)
    refined.add(vectors)
    seconds = time.perf_counter() - start

    def search(query: NDArray[np.float32]) -> list[int]:
        found: list[int] = refined.search(query[None], _K)[1][0].tolist()
        return found

    search.parts = coarse, lists, rotation  # type: ignore[attr-defined]  # faiss does not keep what it is built on
    return {"faiss_flat": lambda query: flat.search(query[None], _K)[1][0].tolist()}, {"faiss": search}, seconds


def _in_turns(ways: dict[str, Way], queries: NDArray[np.float32]) -> tuple[dict[str, list[float]], dict[str, list[Any]]]:
    times: dict[str, list[float]] = {name: [] for name in ways}
    found: dict[str, list[Any]] = {name: [] for name in ways}
    for way in ways.values():  # the first warms up
        way(queries[0])
    for query in queries:
        for name, way in ways.items():
            start = time.perf_counter()
            found[name].append(way(query))
            times[name].append(time.perf_counter() - start)
    return times, found


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
