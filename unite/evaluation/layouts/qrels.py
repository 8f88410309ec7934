"""Judgements in TREC's form, of files: queries, candidates and grades, held against one another."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any

from unite.errors import first_of
from unite.evaluation.layouts.source import BenchmarkFiles

log = logging.getLogger(__name__)

#: An id as it is stored. In a column all are of one kind, so that the texts of two ids are equal where they are.
Id = int | str
#: Query -> relevant candidate -> grade above 0, in the order of the file.
Grades = dict[Id, dict[Id, int]]


class Unmatched(StrEnum):
    """What becomes of queries without a relevant candidate, and of judgements of queries or candidates that are not there."""

    refuse = "refuse"
    leave_out = "leave_out"


def graded(files: BenchmarkFiles, rows: Iterable[tuple[Id, Id, Any]]) -> Grades:
    """Returns the grades above 0 of rows of query, candidate and score; of rows that repeat a query and a candidate the highest.

    Raises:
        DataError: if a score is below 0, or no whole number.
    """
    grades: Grades = {}
    for at, (query, candidate, score) in enumerate(rows):
        if not 0 <= score < float("inf") or score != int(score):  # NaN is not
            raise files.broken(f"the score of {query} and {candidate} in row {at} of qrels", "a whole number, at least 0", score)
        if score > 0:
            of_query = grades.setdefault(query, {})
            of_query[candidate] = max(of_query.get(candidate, 0), int(score))
    return grades


def matched(
    files: BenchmarkFiles,
    grades: Grades,
    asked: Sequence[Id],
    queries: Collection[Id],
    candidates: Collection[Id],
    unmatched: Unmatched,
) -> Grades:
    """Returns the grades of the queries that are asked, in their order, of candidates that are there.

    Args:
        files: for errors.
        grades: what qrels say.
        asked: the queries of the task.
        queries, candidates: all that the files hold.
        unmatched: what to do with what has no counterpart; it is counted in the log where it is left out.

    Raises:
        DataError: if it is to be refused and there is some, or nothing is left.
    """
    known = {query: {one: grade for one, grade in of.items() if one in candidates} for query, of in grades.items()}
    faults: dict[str, list[Id]] = {
        "queries whose relevant candidates are all missing from the corpus": [one for one in asked if one in known and not known[one]],
        "queries without a row in qrels whose score is above 0": [one for one in asked if one not in grades],
        "queries in qrels that queries does not have": [one for one in grades if one not in queries],
        "candidates in qrels that the corpus does not have": list(
            dict.fromkeys(one for of in grades.values() for one in of if one not in candidates)
        ),
    }
    found = {what: ids for what, ids in faults.items() if ids}
    what, expected = "the queries, corpus and qrels", "of one another"
    if found and unmatched is Unmatched.refuse:
        actual = "; ".join(f"{len(ids)} {what}: {first_of([str(one) for one in ids], 3)}" for what, ids in found.items())
        hint = f"Download all three again, of one version; +suite.tasks.{files.task}.unmatched=leave_out goes on without these."
        raise files.broken(what, expected, actual, hint)
    left = {query: known[query] for query in asked if known.get(query)}
    if not left:
        raise files.broken(what, expected, "of no query that has a relevant candidate")
    if found:
        tell(files.task, "left out are " + "; ".join(f"{len(ids)} {what}" for what, ids in found.items()))
    return left


def paired_as_published(grades: dict[Id, int]) -> dict[Id, int]:
    """Returns a query's grades as MMEB-V2's code pairs them: it puts the candidates into a set and takes them in the order of that."""
    candidates = list(grades)
    return dict(zip(set(candidates), grades.values(), strict=True))


@lru_cache  # a task is loaded once to look for it, and once to run it
def tell(task: str, what: str) -> None:
    """Logs, once, what a person should know of a task."""
    log.warning("of task %s: %s", task, what)
