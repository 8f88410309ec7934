"""Locks of files: where two processes would do the same long work, one does it and the others wait."""

from __future__ import annotations

import fcntl
import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unite.progress import shown

log = logging.getLogger(__name__)


@contextmanager
def locked(path: str | Path, *, wait: bool = True) -> Iterator[bool]:
    """Holds a lock while the block runs; another process that wants it waits, and says once who holds it.

    Yields True, or, without `wait`, at once whether it holds the lock.

    The system releases it when the process ends, however it ends. The file `path` is there only while somebody holds or awaits the lock.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with path.open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not wait:
                    yield False
                    return
                file.seek(0)
                log.info("waiting for %s, which holds %s", file.read().strip() or "another process", path)
                with shown(f"waiting for {path}"):
                    fcntl.flock(file, fcntl.LOCK_EX)
            if not _is_open(file.fileno(), path):  # the holder before removed it: others lock a new file of that name
                continue
            file.truncate(0)
            file.write(f"process {os.getpid()} on {platform.node()}")
            file.flush()
            try:
                yield True
            finally:
                path.unlink(missing_ok=True)
            return


def _is_open(descriptor: int, path: Path) -> bool:
    """Whether an open file is the one that has the name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
