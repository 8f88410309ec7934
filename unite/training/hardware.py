"""What a run was trained on, for its record."""

from __future__ import annotations

import platform
from contextlib import suppress
from pathlib import Path

import torch
import torch.distributed as dist


def hardware(device: torch.device) -> dict[str, str | int]:
    """Returns the name of a device, how many of them train together, and how many threads each process computes with on a CPU.

    Args:
        device: that this process trains on.
    """
    count = dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1
    if device.type == "cuda":
        return {"device": torch.cuda.get_device_name(device), "count": count}
    return {"device": _processor() if device.type == "cpu" else device.type, "count": count, "threads": torch.get_num_threads()}


def _processor() -> str:
    """Returns what the processor is called: platform.processor() is empty on most Linux systems."""
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return platform.processor() or platform.machine()
