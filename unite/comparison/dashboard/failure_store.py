"""The worst failures of many runs in few bytes: runs of one suite fail on the same contents, and each content is kept once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from unite.comparison.cards import room
from unite.comparison.dashboard.shown_runs import ShownRun
from unite.errors import DataError
from unite.evaluation.failures_file import FAILURES_SUFFIX, Failure, TaskFailures, read_failures
from unite.media.preview import Preview

#: Of the contents of all runs; the page's other parts need some 8 MB for 200 runs.
MOST_BYTES = 9_000_000
_MOST_A_TASK = 4
_NUM_HITS = 4


@dataclass(frozen=True)
class _Found:
    """A failure: its place among its task's, 0 the worst; the contents that it names; what the page is told."""

    place: int
    contents: list[str]
    shown: dict[str, Any]


class FailureStore:
    """Failures by run, and the contents that they name.

    Attributes:
        contents: id -> `{"text", "instruction", "pictures": [[modality, JPEG as base64, its room], ...]}`.
        runs: place of the run -> its failures, `{"suite", "task", "query", "rank", "right", "hits": [[content, score, is right], ...]}`.
        num_left_out: failures for which there was no room.
        broken: name of a run -> why its failures could not be read.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.contents: dict[str, dict[str, Any]] = {}
        self.runs: dict[int, list[dict[str, Any]]] = {}
        self.num_left_out = 0
        self.broken: dict[str, str] = {}
        self._room = most_bytes
        self._previews: dict[str, Preview] = {}

    def fill(self, runs: Sequence[ShownRun]) -> FailureStore:
        """Takes the worst failure of every task of every run, then the second worst, as far as there is room."""
        found = [self._read(run) for run in runs]
        for rank in range(_MOST_A_TASK):
            for place, failures in enumerate(found):
                for failure in failures:
                    if failure.place == rank:
                        self._add(place, failure)
        return self

    def payload(self) -> dict[str, Any]:
        """Returns all of it for the page."""
        return {"contents": self.contents, "runs": self.runs, "left_out": self.num_left_out}

    def _read(self, run: ShownRun) -> list[_Found]:
        """Reads the worst failures of a run; contents that another run named are shared, so that many runs fit into memory."""
        found = []
        for suite in run.scores:
            try:
                tasks = read_failures(run.run.folder / f"{suite}{FAILURES_SUFFIX}")
            except DataError as error:
                self.broken[run.name] = str(error)
                continue
            for task, failures in tasks.items():
                found += [self._found(suite, task, place, one, failures) for place, one in enumerate(failures.failures[:_MOST_A_TASK])]
        return found

    def _found(self, suite: str, task: str, place: int, failure: Failure, failures: TaskFailures) -> _Found:
        asked, right = failures.queries[failure.query], failures.candidates[failure.right[0]]
        hits = failure.hits[:_NUM_HITS]
        keys = [self._known(preview) for preview in (asked, right, *(failures.candidates[name] for name, _ in hits))]
        told = {"suite": suite, "task": task, "query": failure.query, "rank": failure.rank, "asked": keys[0], "right": keys[1]}
        shown = [[key, round(score, 3), name in failure.right] for key, (name, score) in zip(keys[2:], hits, strict=True)]
        return _Found(place, keys, {**told, "hits": shown})

    def _known(self, preview: Preview) -> str:
        key = _key(preview)
        self._previews.setdefault(key, preview)
        return key

    def _add(self, run: int, failure: _Found) -> None:
        new = {key: self._previews[key] for key in failure.contents if key not in self.contents}
        size = sum(_size(preview) for preview in new.values())
        if size > self._room:
            self.num_left_out += 1
            return
        self._room -= size
        self.contents.update({key: _content(preview) for key, preview in new.items()})
        self.runs.setdefault(run, []).append(failure.shown)


def _key(preview: Preview) -> str:
    text = "\0".join([preview.text, preview.instruction, *(part for picture in preview.pictures for part in picture)])
    return sha256(text.encode(errors="backslashreplace")).hexdigest()[:12]


def _size(preview: Preview) -> int:
    return 80 + len(preview.text.encode(errors="backslashreplace")) + sum(len(data) for _, data in preview.pictures)


def _content(preview: Preview) -> dict[str, Any]:
    return {
        "text": preview.text,
        "instruction": preview.instruction,
        "pictures": [[*picture, room(picture[0])] for picture in preview.pictures],
    }
