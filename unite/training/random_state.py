"""The random state of a moment, to come back to it: a pass that is made again draws the same dropout."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


class RandomState:
    """The random state before a forward pass, so that the replay draws the same dropout.

    Args:
        device: that the pass is on.
    """

    def __init__(self, device: torch.device) -> None:
        self.devices = [device] if device.type == "cuda" else []
        self.cpu = torch.get_rng_state()
        self.cuda = [torch.cuda.get_rng_state(one) for one in self.devices]

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Holds that state while the block runs."""
        with torch.random.fork_rng(devices=self.devices):
            self.restore()
            yield

    def restore(self) -> None:
        """Goes back to that state."""
        torch.set_rng_state(self.cpu)
        for device, state in zip(self.devices, self.cuda, strict=True):
            torch.cuda.set_rng_state(state, device)
