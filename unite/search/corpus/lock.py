"""The lock of whoever writes to a stored corpus: its rows, or its index.

On disk the system holds it, and releases it when the process ends, however it ends. A store knows nothing of processes: there the lock is
an object that one process alone can make, and that names it. What a killed process left is removed by the next on the same machine, which
can tell that its process is gone; of another machine's it cannot, and says what to do.
"""

from __future__ import annotations

import json
import os
import platform
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unite.errors import DataError, must_be
from unite.files import is_alive
from unite.locks import locked
from unite.search.corpus.place import Place

LOCK = "lock"


@contextmanager
def held(folder: Path | Place) -> Iterator[None]:
    """Holds the corpus in a folder while the block runs. Raises DataError if another process does."""
    place = Place.of(folder) / LOCK
    with locked(place.path, wait=False) if place.is_local else _claimed(place) as is_ours:
        if not is_ours:
            hint = "Wait for its end."
            if not place.is_local:
                hint += f" If that process is gone, remove {place}: a store cannot tell."
            raise DataError(must_be("the corpus", "one that no other process writes to", f"{folder}, held by {holder(folder)}", hint))
        yield


def holder(folder: Path | Place) -> str:
    """Returns who holds the corpus."""
    try:
        told = (Place.of(folder) / LOCK).read_text("utf-8").strip()
    except FileNotFoundError:  # it has just ended
        told = ""
    return _named(told).get("told", told) or "another process"


@contextmanager
def _claimed(lock: Place) -> Iterator[bool]:
    told = f"process {os.getpid()} on {platform.node()} since {time.strftime('%Y-%m-%d %H:%M:%S UTC', time.gmtime())}"
    ours = json.dumps({"told": told, "host": platform.node(), "process": os.getpid(), "key": uuid.uuid4().hex})
    is_ours = lock.claim(ours.encode()) or (_is_left(lock) and lock.claim(ours.encode()))
    try:
        yield is_ours
    finally:
        if is_ours:
            lock.remove()


def _is_left(lock: Place) -> bool:
    """Removes the lock of a process of this machine that is gone, and returns whether there is none now.

    Of several processes that find it, the one that claims its removal removes it. That claim has the key of what is removed in its name,
    and the lock is looked at again under it, so that nobody removes one that was made meanwhile.
    """
    left = _read(lock)
    if left.get("host") != platform.node() or not isinstance(left.get("process"), int) or is_alive(left["process"]):
        return not left
    removal = Place(f"{lock}-{left.get('key')}")
    if not removal.claim(b""):
        return False
    try:
        if _read(lock) == left:
            lock.remove()
        return True
    finally:
        removal.remove()


def _read(lock: Place) -> dict[str, Any]:
    try:
        return _named(lock.read_text("utf-8"))
    except FileNotFoundError:
        return {}


def _named(told: str) -> dict[str, Any]:
    try:
        value = json.loads(told)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
