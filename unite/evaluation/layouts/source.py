"""Where a suite gets a task from: a source that reads a folder, and says what is missing there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol, runtime_checkable

from unite.config.schema.media import Decoding
from unite.errors import DataError, first_of, must_be
from unite.evaluation.tasks import RetrievalTask
from unite.media import fault_of


class MissingTaskError(DataError):
    """What a task is read from is not on disk. A suite names it, with what to put where, and runs its other tasks.

    Attributes:
        folder: where it should be; tasks that lack the same are told together.
    """

    def __init__(self, message: str, folder: Path) -> None:
        super().__init__(message, folder)
        self.folder = folder

    def __str__(self) -> str:
        return str(self.args[0])


def told_by_folder(missing: Mapping[str, MissingTaskError], most: int = 7) -> list[str]:
    """Returns a line for each folder: the tasks that lack it, and what the first of them says; folders beyond `most` are counted.

    Args:
        missing: task -> what it lacks.
        most: how many folders are told.
    """
    folders: dict[Path, list[str]] = {}
    for task, error in missing.items():
        folders.setdefault(error.folder, []).append(task)
    lines = [f"{first_of(tasks, 3)}: {missing[tasks[0]]}" for tasks in list(folders.values())[:most]]
    left = len(folders) - len(lines)
    return lines + ([f"and {left} more folders"] if left else [])


@runtime_checkable
class TaskSource(Protocol):
    """Makes a task of what lies on disk."""

    def load(self, name: str, data_root: Path, decoding: Decoding) -> RetrievalTask:
        """Returns the task, its media not decoded yet.

        Args:
            name: of the task in its suite.
            data_root: what the source's folder is relative to.
            decoding: how its media will be decoded.

        Raises:
            MissingTaskError: if a folder or file is not there; the message tells what to put where.
            DataError: if what is there is not in the layout.
        """
        ...


@dataclass(frozen=True)
class TaskFolder:
    """The project's own layout, which `unite.data.tasks.write_task` writes."""

    folder: str | Path

    def load(self, name: str, data_root: Path, decoding: Decoding) -> RetrievalTask:
        """As of `TaskSource`."""
        folder = data_root / self.folder
        if not folder.is_dir():
            hint = "Build or copy it there, or set data_root."
            raise MissingTaskError(must_be(str(folder), f"the folder of task {name}", "not there", hint), folder)
        return RetrievalTask.of_folder(folder, decoding)


@dataclass(frozen=True)
class BenchmarkFiles:
    """The files of one benchmark, and what to say when one is not there.

    Attributes:
        task: its name.
        folder: where they are.
        wanted: what to put there, one sentence.
        place: tasks that lack something of one place are told together; by default the folder is it.
    """

    task: str
    folder: Path
    wanted: str
    place: Path | None = None

    def find(self, name: str) -> Path:
        """Returns the path of a file or folder. Raises MissingTaskError if it is not there."""
        path = self.folder / name
        if not path.exists():
            raise self._missing(f"without {name}")
        return path

    def with_suffix(self, folder: Path, stem: str, suffixes: tuple[str, ...]) -> Path:
        """Returns the file `stem` with the first suffix that is there; with the very first where none is, for `check` to count it."""
        paths = [folder / f"{stem}{suffix}" for suffix in suffixes]
        return next((path for path in paths if path.is_file()), paths[0])

    def check(self, media: Iterable[Path]) -> None:
        """Raises MissingTaskError, which names the first few and counts them, if some media are not there, or not whole.

        All are looked for before the first is embedded: a benchmark without a part of its candidates would be another, easier one.
        """
        paths = dict.fromkeys(media)
        gone = {path: fault for path in paths if (fault := fault_of(path))}
        if gone:
            named = [str(path) if fault == "not there" else f"{path} ({fault})" for path, fault in islice(gone.items(), 3)]
            raise self._missing(f"without {len(gone)} of {len(paths)} media: {', '.join(named)}{', ...' if len(gone) > 3 else ''}")

    def broken(self, what: str, expected: str, actual: object, hint: str = "") -> DataError:
        """Returns the error about something that is there and not in the layout."""
        return DataError(must_be(f"{what} of task {self.task}", expected, actual, hint))

    def _missing(self, actual: str) -> MissingTaskError:
        return MissingTaskError(must_be(str(self.folder), "complete", actual, self.wanted), self.place or self.folder)
