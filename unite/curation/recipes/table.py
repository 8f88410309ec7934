"""What a table is to a recipe: records with named fields, by position."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from unite.curation.recipes.lines import Record


class Table(ABC):
    """The records of one annotation file, by position.

    Attributes:
        path: of the file.
        columns: their names, and `a.b` for field b of the objects in column a. A JSON Lines file is judged by its first records.
    """

    path: Path
    columns: tuple[str, ...]

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, index: int) -> Record:
        """Returns the record at a position. Raises SkippedRowError if it cannot be read."""

    def lacks(self, names: Iterable[str]) -> list[str]:
        """Returns those of some columns that are not there."""
        return [name for name in names if name not in self.columns]

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "columns": self.columns}


def listed(names: Iterable[str]) -> str:
    """Returns names one after the other for a message; one that shows nothing, or begins or ends with a blank, in quotes."""
    return ", ".join(name if name.isprintable() and name == name.strip() != "" else repr(name) for name in names)
