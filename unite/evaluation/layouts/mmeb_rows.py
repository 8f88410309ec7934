"""Rows of MMEB, in either of its published forms, and a task of them: each query with its own candidates, the first of them right.

    v1                   qry_text, qry_img_path, tgt_text (list), tgt_img_path (list)           TIGER-Lab/MMEB-eval
    with instructions    the same, qry_inst and tgt_inst                                        ziyjiang/MMEB_Test_Instruct

A row's candidates have names. What has a name twice, in a row or in two, is one candidate, and the first row that names it says what it is,
so that a wrong candidate of the right one's name is right. Of equal scores the first candidate of a row wins (`argmax`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unite.config.schema.media import Decoding
from unite.embedding.lazy import FileContent
from unite.evaluation.layouts.captions import modality_of_all, task_of
from unite.evaluation.layouts.shard_files import whole_set
from unite.evaluation.layouts.source import BenchmarkFiles
from unite.evaluation.layouts.tables import parquet_rows
from unite.evaluation.tasks import RetrievalTask
from unite.types import Modality

#: Columns that hold a list of texts; the others hold one.
_LISTS = ("tgt_text", "tgt_img_path")


def rows_of(
    files: BenchmarkFiles, subset: str, needed: Sequence[str], known: Sequence[str], other: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields (where, row) of a task's parquet files, in the order of their names.

    Args:
        subset: the folder of the task.
        needed: columns that have to be there.
        known: columns that may be there. Others are refused: they are those of another version, whose texts would be read as these.
        other: what reads the other form, for the message.

    Raises:
        MissingTaskError: if there is no file, or one of several is missing.
        DataError: if a file is no parquet, or has other columns or other values than texts and lists of texts.
    """
    folder = files.find(subset)
    number = 0
    for path in whole_set(files, folder.glob("test-*.parquet"), subset) or [files.find(f"{subset}/test-00000-of-00001.parquet")]:

        def choose(found: list[str], path: Path = path) -> list[str]:
            if not set(needed) <= set(found) <= set(known):
                expected = ", ".join(known) + ("" if len(needed) == len(known) else f" (of which {', '.join(needed)} have to be there)")
                raise files.broken(f"the columns of {path}", expected, ", ".join(found), other)
            return [name for name in known if name in found]

        for row in parquet_rows(files, path, choose):
            where = f"row {number} of {folder.name}"
            for name, value in row.items():
                _check_kind(files, f"{name} in {where}", name, value)
            yield where, row
            number += 1


def _check_kind(files: BenchmarkFiles, what: str, name: str, value: object) -> None:
    """Refuses what is not of its column's kind. A text in the place of a list would be read as a list of its letters."""
    several = value if isinstance(value, list) else [value]
    is_fit = isinstance(value, list) == (name in _LISTS) and all(one is None or isinstance(one, str) for one in several)
    if value is not None and not is_fit:  # whether there may be none is each column's own
        raise files.broken(what, "a list of texts" if name in _LISTS else "a text", repr(value)[:80])


@dataclass(frozen=True)
class LocalPools:
    """A task whose queries have candidates of their own, filled row by row.

    Attributes:
        files: of the benchmark.
        images: the folder that image paths are relative to.
    """

    files: BenchmarkFiles
    images: Path
    queries: dict[str, FileContent] = field(default_factory=dict)
    candidates: dict[str, FileContent] = field(default_factory=dict)
    pools: dict[str, list[str]] = field(default_factory=dict)
    _ids: dict[Hashable, str] = field(default_factory=dict, init=False)

    def content(self, text: str, path: str, instruction: str, where: str) -> FileContent:
        """Returns a content of a text, an image or both. Raises DataError if it is neither."""
        content = FileContent(text, ((Modality.IMAGE, self.images / path),) if path else (), instruction)
        if not content.modality:
            raise self.files.broken(where, "a text, an image or both", f"the text {text!r} without image")
        return content

    def text(self, value: object, where: str) -> str:
        """Returns a text that has to be one. Raises DataError if it is null or no text."""
        if not isinstance(value, str):
            actual = "null" if value is None else type(value).__name__
            raise self.files.broken(where, "a text", actual, "An empty one is written as ''.")
        return value

    def add(self, query: FileContent, candidates: Mapping[Hashable, FileContent]) -> None:
        """Adds a row: its query, and its candidates by name, the right one first."""
        pool = []
        for name, content in candidates.items():
            if name not in self._ids:
                self._ids[name] = f"c{len(self._ids):06d}"
                self.candidates[self._ids[name]] = content
            pool.append(self._ids[name])
        key = f"q{len(self.queries):05d}"
        self.queries[key], self.pools[key] = query, pool

    def task(self, name: str, metrics: tuple[str, ...], decoding: Decoding) -> RetrievalTask:
        """Returns the task. Raises MissingTaskError if images are not there, DataError if no row was added."""
        if not self.queries:
            raise self.files.broken("the rows", "at least one", 0)
        self.files.check(path for side in (self.queries, self.candidates) for content in side.values() for _, path in content.media)
        relevance = {query: {pool[0]: 1} for query, pool in self.pools.items()}
        sides = ((self.queries, modality_of_all(self.queries)), (self.candidates, modality_of_all(self.candidates)))
        return task_of(name, *sides, relevance=relevance, metrics=metrics, decoding=decoding, pools=self.pools, ties="argmax")
