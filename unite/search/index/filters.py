"""Which rows may be found: a user's filter in SQL, modalities, and rows that are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from unite.errors import DataError, must_be
from unite.search.corpus.stored import StoredCorpus

#: Conditions whose rows are remembered: the pages of a search ask for the same.
_REMEMBERED = 16
#: Columns of a corpus's own that a filter may name.
_OWN = {"id": "string", "source": "string", "modality": "string", "text": "string", "size": "int64", "modified": "int64"}
#: What is quoted in SQL: strings, and names of columns.
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`")


def check_filter(corpus: StoredCorpus, where: str) -> None:
    """Raises DataError if a user's filter cannot be read, or closes a bracket that it did not open: LanceDB reads up to that one only."""
    depth = 0
    for bracket in re.findall("[()]", _QUOTED.sub("", where)):
        depth += 1 if bracket == "(" else -1
        if depth < 0:
            break
    with told_filter(where, corpus.columns):
        if depth:
            raise ValueError("its brackets do not match")
        corpus.table.search().where(f"({where})").select(["id"]).limit(1).to_arrow()


def condition_of(where: str = "", modalities: Sequence[str] = (), without: Sequence[str] = ()) -> str:
    """Returns all of it as one condition in SQL, "" if there is none.

    Args:
        where: the user's own filter.
        modalities: those that rows may have.
        without: ids of rows that are left out.
    """
    parts = [f"({where})"] if where.strip() else []
    parts += [f"modality IN ({quoted(modalities)})"] if modalities else []
    parts += [f"id NOT IN ({quoted(without)})"] if without else []
    return " AND ".join(parts)


def quoted(words: Sequence[str]) -> str:
    """Returns strings as SQL lists them."""
    return ", ".join("'" + word.replace("'", "''") + "'" for word in words)


@contextmanager
def told_filter(where: str, columns: Mapping[str, str]) -> Iterator[None]:
    """Within it, what LanceDB says of a filter is told as a DataError that names the columns."""
    try:
        yield
    except (ValueError, RuntimeError) as error:
        if not where.strip() or "Not found: " in str(error):  # a file of the table, not a column
            raise
        named = ", ".join(f"{name} ({kind})" for name, kind in {**columns, **_OWN}.items())
        why = str(error).partition(", /")[0].removeprefix("lance error: ").removeprefix("Invalid input, ").rstrip(".")
        raise DataError(must_be("where", f"a condition in SQL on the columns {named}", where, f"LanceDB says: {why}.")) from error


class RowFilter:
    """Tells which rows of one version of a corpus a condition lets through.

    Args:
        corpus: at that version.
        rows: (N,) uint64, the ids of all its rows, ascending.
    """

    def __init__(self, corpus: StoredCorpus, rows: NDArray[np.uint64]) -> None:
        self._corpus, self._rows = corpus, rows
        self._known: dict[str, NDArray[np.bool_]] = {}

    def allowed(self, condition: str) -> NDArray[np.bool_]:
        """Returns (N,), whether each row may be found."""
        if condition in self._known:
            return self._known[condition]
        found = self._corpus.table.search().where(condition).select(["_rowid"]).with_row_id(True).to_arrow()
        allowed = np.zeros(len(self._rows), np.bool_)
        allowed[np.searchsorted(self._rows, found["_rowid"].to_numpy())] = True
        if len(self._known) >= _REMEMBERED:
            self._known.pop(next(iter(self._known)), None)
        self._known[condition] = allowed
        return allowed
