"""Refuses to validate on what is trained on.

A leak is a pair: a query of the suite and one of its right answers that are, in either direction, query and positive of one training row.
A content alone may be in both, the name of a class say. What is compared are texts and media as they are stored, not the instructions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from unite.data.identities import POSITIVE, QUERY, hash_of, identities
from unite.data.rows import StoredContent
from unite.data.shards import ShardReader
from unite.data.source import SourceDataModule
from unite.embedding.lazy import LazyContent
from unite.errors import ConfigError, must_be
from unite.evaluation.suite import Suite
from unite.evaluation.tasks import RetrievalTask
from unite.progress import tracked
from unite.types import Content, fingerprint


def refuse_trained_pairs(suite: Suite, sources: Sequence[SourceDataModule], by: str = "") -> None:
    """Reads every content of the suite, and what the sources hold (see `unite.data.identities`).

    Args:
        suite: its tasks are loaded, without being decoded.
        sources: those that are trained on.
        by: another run that was trained on them, for the error.

    Raises:
        ConfigError: if a pair is trained on; it is named, with the row.
    """
    trained = [_trained(source.reader) for source in sources]
    for name in tracked(suite.tasks, "comparing the suite with what is trained on", "tasks"):
        names, pairs = _pairs(suite.load(name))
        for source, (rows, known) in zip(sources, trained, strict=True):
            found = np.flatnonzero(np.isin(pairs, known))
            if len(found):
                query, candidate = names[found[0]]
                row = source.reader.name(int(rows[np.flatnonzero(known == pairs[found[0]])[0]]))
                hint = "Take such rows out (step decontamination of unite.curate), or set validation=held_out."
                actual = f"on the pair {query} -> {candidate} of task {name}, row {source.source}/{row}; {len(found)} such pairs there"
                expected = f"on pairs that {by} was not trained on" if by else "on pairs that are not trained on"
                raise ConfigError(must_be("validation.suite", expected, actual, hint))


def refuse_rows_seen(held_out: Sequence[SourceDataModule], seen: Sequence[SourceDataModule], by: str) -> None:
    """Refuses to validate on held-out rows that the run whose weights are trained on has seen.

    Args:
        held_out: divided.
        seen: what that run was trained on, divided as it was.
        by: that run.

    Raises:
        ConfigError: if there is such a row; it is named.
    """
    trained = [_trained(source.reader) for source in seen]
    for source in held_out:
        if source.held_out is None:
            continue
        rows, pairs = _trained(source.held_out)
        for other, (other_rows, known) in zip(seen, trained, strict=True):
            found = np.flatnonzero(np.isin(pairs, known))
            if len(found):
                row = source.held_out.name(int(rows[found[0]]))
                same = other.reader.name(int(other_rows[np.flatnonzero(known == pairs[found[0]])[0]]))
                actual = (
                    f"trained on there: row {source.source}/{row} is its row {other.source}/{same}; {len(found)} of {len(pairs)} are so"
                )
                hint = "Hold the same rows out of both (validation=held_out, with equal options), or validate on none: validation=none."
                raise ConfigError(must_be("what is held out", f"new to {by}, whose weights init_from takes", actual, hint))


def _trained(reader: ShardReader) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the row and the hash of each pair of a query and a positive, (N,) each."""
    row, what, own, _ = identities(reader).T
    queries = own[what == QUERY]  # (rows,): each has one
    pairs = what == POSITIVE
    rows = row[pairs]
    return rows, _pair_hashes(queries[rows], own[pairs])


def _pairs(task: RetrievalTask) -> tuple[list[tuple[str, str]], NDArray[np.int64]]:
    """Returns the ids and the hash of each pair of a query and a right answer, (N,) each."""
    hashes = [dict(zip(ids, _hashes(contents), strict=True)) for ids, contents in _sides(task)]
    names = [(query, candidate) for query, right in task.relevant.items() for candidate in right]
    queries, candidates = (np.array([side[pair[at]] for pair in names]) for at, side in enumerate(hashes))
    return names, _pair_hashes(queries, candidates)


def _sides(task: RetrievalTask) -> Iterator[tuple[Sequence[str], Sequence[Content | LazyContent]]]:
    yield task.query_ids, task.queries
    yield task.candidate_ids, task.candidates


def _hashes(contents: Sequence[Content | LazyContent]) -> Iterator[int]:
    for content in contents:
        if isinstance(content, LazyContent):
            yield hash_of(content.stored)
        else:  # decoded already: the bytes of its media are not known any more
            yield fingerprint("decoded", str(content.fingerprint)) if content.media else hash_of(StoredContent(content.text))


def _pair_hashes(ones: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns one hash a pair, the same in both directions, (N,)."""
    low, high = np.minimum(ones, others).view(np.uint64), np.maximum(ones, others).view(np.uint64)
    return (low * np.uint64(0x9E3779B97F4A7C15) ^ high).view(np.int64)
