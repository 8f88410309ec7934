"""Which rows may be found: a user's filter in SQL, modalities, and rows that are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from unite.errors import DataError, must_be
from unite.search.corpus.lance import is_of_files, quoted
from unite.search.corpus.layout import ROW_ID
from unite.search.corpus.stored import StoredCorpus
from unite.search.index.condition_words import fault_of

#: Conditions whose rows are remembered: the pages of a search ask for the same.
_REMEMBERED = 16
#: Letters of a filter that an error repeats.
_SHOWN = 300
#: Where LanceDB names columns itself, those among them that nobody filters by: the vector, the thumbnail.
_OF_ITS_OWN = re.compile(r" (?:Valid fields are|Did you mean)\b.*", re.DOTALL)
#: Columns of a corpus's own that a filter may name.
_OWN = {"id": "string", "source": "string", "modality": "string", "text": "string", "size": "int64", "modified": "int64"}


def check_filter(corpus: StoredCorpus, where: str) -> None:
    """Raises DataError if a user's filter cannot be read, or holds what is not read (`condition_words`).

    Of one that closes a bracket which it did not open LanceDB would read no more than up to that.
    """
    if fault := fault_of(where):
        raise _broken(where, corpus.columns, f"It is not read: {fault}.")
    with told_filter(where, corpus.columns):
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


@contextmanager
def told_filter(where: str, columns: Mapping[str, str]) -> Iterator[None]:
    """Within it, what LanceDB says of a filter is told as a DataError that names the columns."""
    try:
        yield
    except Exception as error:
        # Of what it has no answer for it panics, which is told as an exception of its own.
        is_told = isinstance(error, ValueError | RuntimeError) or type(error).__name__ == "RustPanic"
        if not is_told or not where.strip() or is_of_files(error):
            raise
        why = _OF_ITS_OWN.sub("", str(error).partition(", /")[0]).removeprefix("lance error: ").removeprefix("Invalid input, ").rstrip(".")
        raise _broken(where, columns, f"LanceDB says: {why}.") from error


def _broken(where: str, columns: Mapping[str, str], why: str) -> DataError:
    named = ", ".join(f"{name} ({kind})" for name, kind in {**columns, **_OWN}.items())
    shown = where if len(where) <= _SHOWN else f"{where[:_SHOWN]}..."
    return DataError(must_be("where", f"a condition in SQL on the columns {named}", shown, why))


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
        found = self._corpus.read([ROW_ID], condition)
        allowed = np.zeros(len(self._rows), np.bool_)
        allowed[np.searchsorted(self._rows, found[ROW_ID].to_numpy())] = True
        if len(self._known) >= _REMEMBERED:
            self._known.pop(next(iter(self._known)), None)
        self._known[condition] = allowed
        return allowed
