"""A retrieval task on disk: queries, candidates, and which candidate is right for which query.

    my_task/
      task.json         {"name": ..., "query_modality": "text", "candidate_modality": "image", "metadata": {...}}
      relevance.json    {query id: {candidate id: grade}}; a grade above 0 is relevant
      pools.json        {query id: [candidate id, ...]}, only where a query is ranked against a part of the candidates
      labels.json       {candidate id: {attribute: group}}, only where candidates say of which groups they are: for `unite.audit`
      queries/*.tar     shards of rows that hold one content, in `query`; the row's key is the id
      candidates/*.tar

The folder gets its name only when it is whole, and what is in it has been checked, so a killed writer leaves no half-written task.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

from unite.data.rows import Row, labels_of
from unite.data.shards import ShardReader, ShardWriter
from unite.errors import DataError, must_be
from unite.files import read_json, whole_folder, write_json
from unite.types import Modality

_AGAIN = "Build or copy the task again."


@dataclass(frozen=True, eq=False)
class StoredTask:
    """A task as it lies on disk, nothing decoded.

    Attributes:
        name: of the task.
        queries, candidates: their rows; a row's key is the id, its content is in `query`.
        relevance: query id -> candidate id -> grade; every query has a grade above 0.
        pools: query id -> ids of the candidates it is ranked against; None where that is all of them.
        query_modality, candidate_modality: of every query, of every candidate.
        metadata: whatever else the writer wanted to be known.
        labels: candidate id -> attribute -> group, of all candidates or some; None where there are none. The attribute `unit` names what
            the candidate is a variant of.
    """

    name: str
    queries: ShardReader
    candidates: ShardReader
    relevance: Mapping[str, Mapping[str, int]]
    pools: Mapping[str, Sequence[str]] | None
    query_modality: Modality
    candidate_modality: Modality
    metadata: Mapping[str, str]
    labels: Mapping[str, Mapping[str, str]] | None = None


def write_task(
    folder: str | Path,
    *,
    name: str,
    queries: Iterable[Row],
    candidates: Iterable[Row],
    relevance: Mapping[str, Mapping[str, int]],
    pools: Mapping[str, Sequence[str]] | None = None,
    query_modality: Modality,
    candidate_modality: Modality,
    metadata: Mapping[str, str] | None = None,
    labels: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Writes a task: the whole of it or nothing.

    Args:
        folder: must not be there yet.
        name, relevance, pools, query_modality, candidate_modality, metadata, labels: as in `StoredTask`.
        queries, candidates: rows with the content in `query` and no positives; the keys are the ids.

    Raises:
        DataError: if the folder exists, a row is of another modality, or the task is inconsistent (see `read_task`).
    """
    folder = Path(folder)
    if folder.exists():
        raise DataError(must_be(f"the folder of task {name}", "one that is not there yet", str(folder), "Remove it to write it again."))
    fields = {
        "name": name,
        "query_modality": str(query_modality),
        "candidate_modality": str(candidate_modality),
        "metadata": dict(metadata or {}),
    }
    with whole_folder(folder, existing="keep") as partial:
        query_ids = _write_rows(partial / "queries", queries, query_modality, f"a query of task {name}")
        candidate_ids = _write_rows(partial / "candidates", candidates, candidate_modality, f"a candidate of task {name}")
        _check(name, query_ids, candidate_ids, relevance, pools)
        write_json(partial / "task.json", fields)
        write_json(partial / "relevance.json", {query: dict(relevance[query]) for query in query_ids})
        if pools is not None:
            write_json(partial / "pools.json", {query: list(pools[query]) for query in query_ids})
        if labels is not None:
            write_json(partial / "labels.json", _checked_labels(name, labels, set(candidate_ids)))


def read_task(folder: str | Path) -> StoredTask:
    """Opens a task and checks it.

    Raises:
        DataError: if it is no whole task folder, an id stands twice, a query has no relevant candidate or an empty pool, relevance, a
            pool or a label names an unknown id, a pool lacks a relevant candidate of its query, or a label is no group's name.
    """
    folder = Path(folder)
    if not (folder / "task.json").is_file():
        raise DataError(must_be("a task", "a folder with a task.json", str(folder), "Build or copy it first."))
    fields = read_json(folder / "task.json", _AGAIN)
    relevance = read_json(folder / "relevance.json", _AGAIN)
    pools = read_json(folder / "pools.json", _AGAIN) if (folder / "pools.json").exists() else None
    labels = read_json(folder / "labels.json", _AGAIN) if (folder / "labels.json").exists() else None
    queries, candidates = ShardReader.of_folder(folder / "queries"), ShardReader.of_folder(folder / "candidates")
    try:
        task = StoredTask(
            name=fields["name"],
            queries=queries,
            candidates=candidates,
            relevance=relevance,
            pools=pools,
            query_modality=Modality.parse(fields["query_modality"]),
            candidate_modality=Modality.parse(fields["candidate_modality"]),
            metadata=_checked_metadata(fields["name"], fields["metadata"]),
            labels=None if labels is None else _checked_labels(fields["name"], labels, set(_keys(candidates))),
        )
    except KeyError as error:
        raise DataError(must_be(str(folder / "task.json"), f"an object with {error}", sorted(fields))) from error
    _check(task.name, _keys(queries), _keys(candidates), relevance, pools)
    return task


def _check(
    name: str,
    query_ids: Sequence[str],
    candidate_ids: Sequence[str],
    relevance: Mapping[str, Mapping[str, int]],
    pools: Mapping[str, Sequence[str]] | None,
) -> None:
    for side, ids in (("queries", query_ids), ("candidates", candidate_ids)):
        if not ids:
            raise DataError(must_be(f"the {side} of task {name}", "at least one", 0))
        _check_unique(f"the ids of the {side} of task {name}", ids)
    _check_kinds(name, relevance, pools or {})
    queries, candidates = set(query_ids), set(candidate_ids)
    _check_known(f"a query in the relevance of task {name}", relevance, queries, "queries")
    for query in query_ids:
        grades = relevance.get(query, {})
        _check_known(f"a candidate in the relevance of query {query!r} of task {name}", grades, candidates, "candidates")
        if not any(grade > 0 for grade in grades.values()):
            actual = f"given {dict(grades)}"
            raise DataError(must_be(f"query {query!r} of task {name}", "given a relevant candidate", actual, "Leave such queries out."))
    if pools is None:
        return
    _check_known(f"a query in the pools of task {name}", pools, queries, "queries")
    for query in query_ids:
        pool = pools.get(query, ())
        where = f"the pool of query {query!r} of task {name}"
        if not pool:
            raise DataError(must_be(where, "at least one candidate", "empty"))
        _check_unique(where, pool)
        _check_known(f"a candidate in {where}", pool, candidates, "candidates")
        missing = {one for one, grade in relevance[query].items() if grade > 0} - set(pool)
        if missing:
            raise DataError(must_be(where, "with all relevant candidates in it", f"without {min(missing)}"))


def _check_kinds(name: str, relevance: Mapping[str, Any], pools: Mapping[str, Any]) -> None:
    """Refuses what is no number where a grade is meant, or no list of ids: a pool that is a text would be one of its letters."""
    for query, grades in relevance.items():
        if not isinstance(grades, Mapping) or not all(isinstance(grade, Real) for grade in grades.values()):
            raise DataError(
                must_be(f"the relevance of query {query!r} of task {name}", "a number for each candidate's id", repr(grades)[:80])
            )
    for query, pool in pools.items():
        if isinstance(pool, str) or not isinstance(pool, Collection) or not all(isinstance(one, str) for one in pool):
            raise DataError(must_be(f"the pool of query {query!r} of task {name}", "a list of candidates' ids", repr(pool)[:80]))


def _checked_metadata(name: str, metadata: object) -> dict[str, str]:
    if not isinstance(metadata, dict):
        raise DataError(must_be(f"the metadata of task {name}", "an object of texts", repr(metadata)[:80]))
    other = [key for key, value in metadata.items() if not isinstance(value, str)]
    if other:
        raise DataError(must_be(f"the metadata {other[0]!r} of task {name}", "a text", metadata[other[0]]))
    return metadata


def _checked_labels(name: str, labels: Mapping[str, Any], candidates: set[str]) -> dict[str, dict[str, str]]:
    _check_known(f"a candidate in the labels of task {name}", labels, candidates, "candidates")
    try:
        return {candidate: labels_of(dict(labels[candidate])) for candidate in labels}
    except (TypeError, ValueError) as error:
        hint = 'Write them as {"candidate id": {"attribute": "group"}}.'
        raise DataError(
            must_be(f"the labels of task {name}", "a group's name for each attribute of a candidate", str(error), hint)
        ) from error


def _check_unique(what: str, ids: Sequence[str]) -> None:
    if len(set(ids)) != len(ids):
        seen: set[str] = set()
        twice = next(one for one in ids if one in seen or seen.add(one))  # type: ignore[func-returns-value]
        raise DataError(must_be(what, "unique", f"{twice} more than once"))


def _check_known(what: str, ids: Iterable[str], known: set[str], side: str) -> None:
    unknown = [one for one in ids if one not in known]
    if unknown:
        raise DataError(must_be(what, f"the id of one of its {len(known)} {side}", unknown[0]))


def _write_rows(folder: Path, rows: Iterable[Row], modality: Modality, what: str) -> list[str]:
    ids = []
    with ShardWriter(folder) as writer:
        for row in rows:
            if row.positives or row.negatives:
                raise DataError(must_be(f"{what} ({row.key})", "a row with one content, in query", "one with positives or negatives"))
            if row.query.modality != modality:
                raise DataError(must_be(f"{what} ({row.key})", str(modality), str(row.query.modality) or "empty"))
            writer.write(row)
            ids.append(row.key)
    return ids


def _keys(reader: ShardReader) -> list[str]:
    return [sample.key for index in reader.indices for sample in index.samples]
