"""Media that are being sent: a client that takes one slowly holds the whole of it in memory, so there are so many bytes of them at once."""

from __future__ import annotations

import weakref
from threading import Lock

from unite.search.server.ranges import Part
from unite.search.server.refusals import busy


class Sending:
    """Counts the bytes that answers hold.

    Args:
        num_bytes: of all together; one answer alone may be larger.
    """

    def __init__(self, num_bytes: int) -> None:
        self._most, self._held = num_bytes, 0
        self._lock = Lock()

    def check(self, num_bytes: int = 0) -> None:
        """Raises RefusalError (503) if so many more cannot be held."""
        if self._held and self._held + num_bytes > self._most:
            raise busy(f"{self._held >> 20} MB of media are being sent")

    def holding(self, part: Part, num_bytes: int) -> Part:
        """Returns a part of a medium, whose bytes count until it is sent. Raises RefusalError (503) if there are too many."""
        with self._lock:
            self.check(num_bytes)
            self._held += num_bytes
        part.on_end = weakref.finalize(part, self._release, num_bytes)  # once, and for one that is never sent too
        return part

    def _release(self, num_bytes: int) -> None:
        with self._lock:
            self._held -= num_bytes
