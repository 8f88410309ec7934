"""What MMEB-V2's video tasks have in common.

A text is `<medium> instruction text`, joined by blanks; the contents keep the places of both, so that a prompt without a place of its own
for instructions writes it as published. A candidate is told by its name: the first row that names one says what it is, and it is embedded
once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from unite.config.schema.media import Decoding
from unite.embedding.lazy import FileContent
from unite.errors import first_of, must_be
from unite.evaluation.layouts.captions import modality_of_all, task_of
from unite.evaluation.layouts.source import BenchmarkFiles, MissingTaskError
from unite.evaluation.layouts.tables import read_table
from unite.evaluation.tasks import RetrievalTask
from unite.types import INSTRUCTION_PLACE, Modality, escape_places


@dataclass(frozen=True)
class Asked:
    """A row.

    Attributes:
        query: what is asked.
        options: its candidates by their names, in its order.
        right: names of those that are right.
        key: by which the data set tells it from its other rows; "" for none.
    """

    query: FileContent
    options: Mapping[str, FileContent]
    right: tuple[str, ...]
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class VideoTask(ABC):
    """Base of the layouts; a subclass says how a row is read.

    Attributes:
        folder: where the video tasks lie, relative to the suite's `data_root`.
        rows: the data set on the hub whose rows are asked; they lie in `rows/<its name>`, see `read_table`.
        split, config: of the data set.
        frames: where below `frames` the folders of frames are.
        query_instruction, candidate_instruction: of every query, of every candidate that is a video.
        most_rows: how many rows count, the first ones; 0 for all.
        metrics: as the benchmark reports them.
    """

    folder: str
    rows: str
    split: str = "test"
    config: str = ""
    frames: str
    query_instruction: str
    candidate_instruction: str = ""
    most_rows: int = 0
    metrics: tuple[str, ...] = ("hit@1",)
    #: What a row must have.
    columns: ClassVar[tuple[str, ...]] = ()
    #: Whether a row is ranked against its own candidates; else against those of all rows.
    is_local: ClassVar[bool] = False

    @abstractmethod
    def ask(self, files: BenchmarkFiles, row: Mapping[str, Any], where: str) -> Asked:
        """Returns a row, called `where` in errors. Raises DataError if it is not in the layout."""

    def candidates(self, named: Mapping[str, FileContent]) -> Mapping[str, FileContent]:
        """Returns all candidates of the task: by default those that the rows name."""
        return named

    def read(self, files: BenchmarkFiles) -> list[Asked]:
        """Returns the rows."""
        return self.read_rows(files, f"rows/{self.stem}")

    def read_rows(self, files: BenchmarkFiles, name: str) -> list[Asked]:
        """Returns the rows of a table."""
        rows = read_table(files, name, self.columns, self.split, self.config)
        return [self.ask(files, row, where) for where, row in islice(rows, self.most_rows or None)]

    @property
    def stem(self) -> str:
        """The name of the data set without its owner."""
        return self.rows.rpartition("/")[2]

    @property
    def wanted(self) -> str:
        """What to put into the folder."""
        which = ", ".join(part for part in (self.config, f"split {self.split}") if part)
        frames = f"the frames of TIGER-Lab/MMEB-V2 into frames/{self.frames}"
        return f"Put the rows of {self.rows} ({which}) there as rows/{self.stem}.parquet, and {frames}."

    def load(self, name: str, data_root: Path, decoding: Decoding) -> RetrievalTask:
        """As of `unite.evaluation.layouts.source.TaskSource`."""
        folder = data_root / self.folder
        if not folder.is_dir():
            hint = f"It holds rows and frames. {self.wanted} So of the others: docs/benchmarks.md."
            raise MissingTaskError(must_be(str(folder), "the folder of MMEB-V2's video tasks", "not there", hint), folder)
        files = BenchmarkFiles(name, folder, self.wanted, place=folder / self.frames)
        asked = self.read(files)
        self._check_keys(files, asked)
        named: dict[str, FileContent] = {}
        for one in asked:
            for option, content in one.options.items():
                named.setdefault(option, content)
        candidates = self.candidates(named)
        queries = {f"q{at:05d}": one.query for at, one in enumerate(asked)}
        files.check(path for side in (queries, candidates) for content in side.values() for _, path in content.media)
        return task_of(
            name,
            (queries, modality_of_all(queries)),
            (candidates, modality_of_all(candidates)),
            relevance={query: dict.fromkeys(one.right, 1) for query, one in zip(queries, asked, strict=True)},
            metrics=tuple(self.metrics),
            decoding=decoding,
            pools={query: list(one.options) for query, one in zip(queries, asked, strict=True)} if self.is_local else None,
            ties="argmax",
        )

    def _check_keys(self, files: BenchmarkFiles, asked: list[Asked]) -> None:
        twice = [key for key, number in Counter(one.key for one in asked if one.key).items() if number > 1]
        if twice:
            hint = "Each stands there more than once: keep one, or get the rows anew."
            raise files.broken(f"the ids in rows/{self.stem}", "unique", first_of(twice), hint)

    def video(self, files: BenchmarkFiles, name: object) -> tuple[Modality, Path]:
        """Returns a video by the name of its folder of frames."""
        return Modality.VIDEO, files.folder / "frames" / self.frames / str(name)


def written(instruction: str, text: str = "", medium: tuple[Modality, Path] | None = None) -> FileContent:
    """Returns `<medium> instruction text` as a content, without what there is not."""
    parts = [medium[0].place if medium else "", INSTRUCTION_PLACE if instruction else "", escape_places(text)]
    return FileContent(" ".join(part for part in parts if part), (medium,) if medium else (), escape_places(instruction))


def value_of(files: BenchmarkFiles, row: Mapping[str, Any], column: str, where: str) -> Any:
    """Returns what a row has in a column. Raises DataError if that is nothing, a blank text or an empty list."""
    value = row[column]
    if value is None or (isinstance(value, list) and not value) or not str(value).strip():
        raise files.broken(f"{column} in {where}", "there and not empty", repr(value))
    return value


def text_of(files: BenchmarkFiles, row: Mapping[str, Any], column: str, where: str) -> str:
    """Returns a text that a row has. Raises DataError if it is none, or empty: what is written of a list is not what it says."""
    return _written_of(files, row, column, where, "a text", str)


def name_of(files: BenchmarkFiles, row: Mapping[str, Any], column: str, where: str) -> str:
    """Returns what a row calls something, a video or itself: a text, or a whole number. Raises DataError if it is neither, or empty."""
    return _written_of(files, row, column, where, "a text or a whole number", str, int)


def _written_of(files: BenchmarkFiles, row: Mapping[str, Any], column: str, where: str, expected: str, *kinds: type) -> str:
    value = value_of(files, row, column, where)
    if type(value) not in kinds:  # a bool is an int
        raise files.broken(f"{column} in {where}", expected, repr(value))
    return str(value)


def texts_of(files: BenchmarkFiles, row: Mapping[str, Any], column: str, where: str) -> list[str]:
    """Returns a list of texts that a row has. Raises DataError if it is none, or one of them is empty."""
    texts = value_of(files, row, column, where)
    if not isinstance(texts, list) or not all(isinstance(text, str) and text.strip() for text in texts):
        raise files.broken(f"{column} in {where}", "a list of texts, none of them empty", repr(texts))
    return texts
