"""How LanceDB is reached: what it needs, how it says things in SQL, and what it hides of the system's errors."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unite.errors import ConfigError, DataError
from unite.search.corpus.place import Place

MISSING = "a corpus is kept in a LanceDB table, and lancedb is not installed: pip install 'unite[search]'."
#: What opening a table raises where it is none, or damaged.
ERRORS = (ValueError, RuntimeError, OSError)
#: What Lance ends its files with, and how it tells of an error of the system's.
_MAGIC, _OS_ERROR = b"LANC", re.compile(r"\(os error (\d+)\)")

#: How Lance begins to tell that it could not read a file, and how it ends.
_OF_FILES, _PLACE = re.compile(r"LanceError\(IO\)|Not found: "), re.compile(r"(?:, /[^,]*\.rs:\d+:\d+)+\W*$")


def connect(folder: Place) -> Any:
    """Returns the database that a folder is. Raises ConfigError if LanceDB is not installed."""
    try:
        import lancedb
    except ImportError as error:
        raise ConfigError(MISSING) from error
    return lancedb.connect(folder.lance)


@contextmanager
def system_errors(folder: Place) -> Iterator[None]:
    """Within it, an error of the system's that Lance wraps (no space left) is raised as an OSError, an error of a store as a DataError."""
    try:
        yield
    except RuntimeError as error:
        if not folder.is_local:
            raise DataError(f"the table in {folder} cannot be written ({error}).") from error
        found = _OS_ERROR.search(str(error))
        if found is None or int(found[1]) not in errno.errorcode:
            raise
        raise OSError(int(found[1]), os.strerror(int(found[1])), str(folder)) from error


@contextmanager
def told_damage(folder: Place) -> Iterator[None]:
    """Within it, what Lance raises where a file of the table is cut or gone is told as a DataError that says what to do."""
    try:
        yield
    except RuntimeError as error:
        if not is_of_files(error):
            raise
        again = f"Build its index again, python -m unite.index corpus={folder}; where that cannot, make the corpus again in another folder."
        raise DataError(f"files of the table in {folder} are damaged or gone ({without_place(error)}). {again}") from error


def is_of_files(error: BaseException) -> bool:
    """Whether Lance could not read a file of the table."""
    return _OF_FILES.search(str(error)) is not None


def without_place(error: BaseException) -> str:
    """Returns what Lance says, without where in its own sources that is."""
    return _PLACE.sub("", str(error)).removeprefix("lance error: ")


def is_whole(path: Path) -> bool:
    """Whether a file of a table ends as Lance ends one."""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - len(_MAGIC), 0))
        return file.read() == _MAGIC


def quoted(words: Iterable[str]) -> str:
    """Returns strings as SQL lists them."""
    return ", ".join("'" + word.replace("'", "''") + "'" for word in words)
