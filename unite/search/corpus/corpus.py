"""A corpus: the rows of all its sources as one sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unite.curation.recipes.annotation_files import FORMATS
from unite.curation.recipes.captioned_folder import UNREADABLE
from unite.errors import DataError, first_of, must_be
from unite.progress import tracked
from unite.search.corpus.columns import common
from unite.search.corpus.rows import CorpusRow, CorpusSource, Key, as_utf8, state_of

#: What its sources may be.
KNOWN = "a folder of pictures and videos, a table (" + ", ".join(FORMATS) + "), a folder of .tar shards or a Lance table"


@dataclass(frozen=True)
class Survey:
    """What is known of all rows before any is read.

    Attributes:
        ids: (N,) unique.
        sizes, modified: (N,) int64, as of `Key`.
    """

    ids: Sequence[str]
    sizes: NDArray[np.int64]
    modified: NDArray[np.int64]


class Corpus:
    """The rows of all sources, by position.

    Args:
        sources: (name, source); where there is a name, ids begin with it.
    """

    def __init__(self, sources: Sequence[tuple[str, CorpusSource]]) -> None:
        self.sources = list(sources)
        self._starts = np.cumsum([0, *(len(source) for _, source in self.sources)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def addresses(self) -> list[str]:
        """Of the sources, as they were given."""
        return [source.address for _, source in self.sources]

    @property
    def columns(self) -> dict[str, str]:
        """The metadata's columns of all sources, and their types; known for certain after `survey`."""
        columns: dict[str, str] = {}
        for _, source in self.sources:
            for name, kind in source.columns.items():
                columns[name] = common(columns.get(name, ""), kind)
        return columns

    def survey(self) -> Survey:
        """Looks at all rows, without reading their media.

        Raises:
            DataError: if there is none, or two have one id.
        """
        ids: dict[str, None] = {}
        sizes, modified = np.empty(len(self), np.int64), np.empty(len(self), np.int64)
        twice: dict[str, None] = {}
        for position, (name, key) in enumerate(tracked(self._keys(), "looking through the corpus", "rows")):
            id = as_utf8(f"{name}/{key.id}" if name else key.id)
            if id in ids:
                twice[id] = None
            ids[id] = None
            sizes[position], modified[position] = key.size, key.modified
        if twice:
            one = (
                "" if len(self.sources) == 1 else " Of several sources, name them: corpus={a: ..., b: ...}; ids then begin with a/ and b/."
            )
            hint = f"Of a table, name another column (columns.id=...), or none (columns.id='') to take the rows' places.{one}"
            raise DataError(must_be("the ids of a corpus", "unique", f"{len(twice)} more than once: {first_of(list(twice))}", hint))
        if not ids:
            raise DataError(must_be("a corpus", f"of at least one row; {KNOWN}", f"empty: {first_of(self.addresses)}"))
        return Survey(list(ids), sizes, modified)

    def _keys(self) -> Any:
        for name, source in self.sources:
            for key in source.survey():
                yield name, Key(*key)

    def row(self, position: int) -> CorpusRow:
        """Returns a row. Raises DataError if it cannot be read."""
        source = int(np.searchsorted(self._starts, position, side="right")) - 1
        return self.sources[source][1].row(position - int(self._starts[source]))

    def state(self, position: int) -> tuple[int, int] | None:
        """Returns the size and time of change that a row's files have by now; None where that is not known of one row."""
        source = int(np.searchsorted(self._starts, position, side="right")) - 1
        return self.sources[source][1].state(position - int(self._starts[source]))

    def files(self) -> dict[str, tuple[int, int]]:
        """Returns the size and time of change that each file has by now that many rows lie in."""
        return {str(path): state_of([path]) for _, source in self.sources for path in source.files()}

    @property
    def is_readable(self) -> bool:
        """Whether every folder of it could be looked into."""
        return all(reason != UNREADABLE for reason, _ in self.left())

    def left(self) -> list[tuple[str, str]]:
        """Returns what lies there and is no row, and why."""
        return [left for _, source in self.sources for left in source.left()]
