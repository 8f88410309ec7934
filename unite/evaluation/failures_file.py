"""The file of a suite's failures in a run's folder, `<suite>_failures.json`: what is in it, writing and reading it.

    {"name": suite, "tasks": {task: {"failures": [{"query": id, "rank": 57, "right": [id], "hits": [[id, score], ...]}],
                                     "queries": {id: preview}, "candidates": {id: preview}}}}

`find_failures.py` finds them. A preview (`unite.media.preview`) is a content small enough to keep, so that the failure can be shown where
the data is not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unite.errors import DataError
from unite.media.preview import Preview

FAILURES_SUFFIX = "_failures.json"


@dataclass(frozen=True)
class Failure:
    """A query whose best relevant candidate did not come first.

    Attributes:
        query: its id.
        rank: of its best relevant candidate, above 1.
        right: ids of relevant candidates, the best ranked first; a few of them.
        hits: (candidate id, score) of the best hits, best first.
    """

    query: str
    rank: int
    right: tuple[str, ...]
    hits: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class TaskFailures:
    """The worst failures of a task, worst first, with a preview of every content that they name."""

    failures: tuple[Failure, ...]
    queries: Mapping[str, Preview]
    candidates: Mapping[str, Preview]


def failures_to_json(name: str, tasks: Mapping[str, TaskFailures]) -> str:
    """Returns the failures of the suite `name`, for `read_failures`."""
    return json.dumps({"name": name, "tasks": {task: asdict(failures) for task, failures in tasks.items()}}, ensure_ascii=False)


def read_failures(path: Path) -> dict[str, TaskFailures]:
    """Reads the failures of a suite by task; none where the file is not there (an evaluation of before they were recorded).

    Raises:
        DataError: if the file is something else.
    """
    if not path.is_file():
        return {}
    try:
        return {task: _task(fields) for task, fields in json.loads(path.read_text(encoding="utf-8"))["tasks"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} holds no failures of a suite ({error!r}). Evaluate the run again, or remove the file.") from error


def _task(fields: Mapping[str, Any]) -> TaskFailures:
    failures = tuple(
        Failure(
            str(failure["query"]),
            int(failure["rank"]),
            tuple(failure["right"]),
            tuple((str(name), float(score)) for name, score in failure["hits"]),
        )
        for failure in fields["failures"]
    )
    queries, candidates = ({str(name): _preview(content) for name, content in fields[side].items()} for side in ("queries", "candidates"))
    return TaskFailures(failures, queries, candidates)


def _preview(fields: Mapping[str, Any]) -> Preview:
    pictures = tuple((str(modality), str(data)) for modality, data in fields["pictures"])
    return Preview(str(fields["text"]), str(fields["instruction"]), pictures)
