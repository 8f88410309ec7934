"""The peak memory of a function beyond what its process held before (Linux)."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any


def peak_of(prepare: Callable[..., Callable[[], object]], *arguments: Any) -> float:
    """Returns the peak, in MB, of what `prepare(*arguments)` returns, called once in a process of its own with one thread."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_measure, args=(prepare, arguments, queue))
    process.start()
    peak = queue.get(timeout=600)
    process.join()
    return float(peak)


def _measure(prepare: Callable[..., Callable[[], object]], arguments: tuple[Any, ...], queue: Any) -> None:
    import torch

    torch.set_num_threads(1)
    measured = prepare(*arguments)
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    measured()
    queue.put(max(_status("VmHWM") - before, 0.0))


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith(name + ":"))
