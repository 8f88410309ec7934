"""How many bytes of tensors live at once: counted on any device, torch's meta device among them, or told by a GPU's allocator."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from typing_extensions import override


class LiveBytes(TorchDispatchMode):
    """Counts what is made while it is entered, forward and backward; what an operation takes within itself is not seen.

    Attributes:
        now: bytes of what was made and still lives.
        peak: the most there was at once, since `begin`.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._known: set[int] = set()

    def begin(self) -> None:
        """Forgets the peak so far."""
        self.peak = self.now

    @override
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {one.untyped_storage()._cdata for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)}
        made = func(*args, **(kwargs or {}))
        for one in tree_leaves(made):
            if isinstance(one, Tensor):
                storage = one.untyped_storage()
                key = storage._cdata
                if key not in self._known and key not in given:  # a view of something older, or what is written in place, is not new
                    self._known.add(key)
                    self.now += storage.nbytes()
                    weakref.finalize(storage, self._freed, key, storage.nbytes())
        self.peak = max(self.peak, self.now)
        return made

    def _freed(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size


class Meter(Protocol):
    """What counts bytes: those of now, and the most there were at once."""

    @property
    def now(self) -> int:
        """Bytes of what was made and still lives."""
        ...

    @property
    def peak(self) -> int:
        """The most there was at once."""
        ...


class _OfAllocator:
    """Bytes that torch's allocator of a GPU has given out since this was made."""

    def __init__(self, device: torch.device) -> None:
        torch.cuda.reset_peak_memory_stats(device)
        self.device, self.before = device, torch.cuda.memory_allocated(device)

    @property
    def now(self) -> int:
        return torch.cuda.memory_allocated(self.device) - self.before

    @property
    def peak(self) -> int:
        return torch.cuda.max_memory_allocated(self.device) - self.before


@contextmanager
def meter(device: torch.device) -> Iterator[Meter]:
    """Counts what is made on a device while the block runs; of a GPU what its allocator gives out, what operations take within among it."""
    if device.type == "cuda":
        yield _OfAllocator(device)
        return
    with LiveBytes() as live:
        yield live
