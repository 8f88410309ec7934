"""The lock of whoever writes to a stored corpus: its rows, or its index."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unite.errors import DataError, must_be
from unite.files import locked

LOCK = "lock"


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Holds the corpus in a folder while the block runs. Raises DataError if another process does."""
    with locked(folder / LOCK, wait=False) as is_ours:
        if not is_ours:
            actual = f"{folder}, held by {holder(folder)}"
            raise DataError(must_be("the corpus", "one that no other process writes to", actual, "Wait for its end."))
        yield


def holder(folder: Path) -> str:
    """Returns who holds the corpus."""
    try:
        return (folder / LOCK).read_text(encoding="utf-8").strip() or "another process"
    except FileNotFoundError:  # it has just ended
        return "another process"
