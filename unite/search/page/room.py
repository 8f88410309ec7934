"""What is kept in memory for as long as there is room for it, by names: what was asked for least lately goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Room(Generic[Value]):
    """Values by name. Several threads may use it at once.

    Args:
        num_bytes: of all values together.
        size_of: returns the bytes of one.
    """

    def __init__(self, num_bytes: int, size_of: Callable[[Value], int]) -> None:
        self.num_bytes, self._size_of = num_bytes, size_of
        self._values: OrderedDict[str, Value] = OrderedDict()
        self._lock = Lock()

    def put(self, name: str, value: Value) -> None:
        """Keeps a value, and forgets others where they take too much room with it; one that is too large by itself is not kept."""
        if self._size_of(value) > self.num_bytes:
            return
        with self._lock:
            self._values[name] = value
            self._values.move_to_end(name)
            while sum(map(self._size_of, self._values.values())) > self.num_bytes:
                self._values.popitem(last=False)

    def find(self, name: str) -> Value | None:
        """Returns a value; None where it is not there any more."""
        with self._lock:
            if name in self._values:
                self._values.move_to_end(name)
            return self._values.get(name)
