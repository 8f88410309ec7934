"""How much memory is left: of a GPU, or of this machine, of which a container or a job may have a part alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import torch


def free_memory(device: torch.device, root: Path = Path("/")) -> float:
    """Returns the bytes that may still be taken on a device; infinite where nothing tells.

    Of a GPU those that this process holds and does not use are among them; of a CPU it is what the machine has available, or if that is
    less, what is left to the control group that this process is in, or to one above it.

    Args:
        device: cuda or cpu; of another kind nothing is known.
        root: of the file system.
    """
    if device.type == "cuda":
        held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return float(torch.cuda.mem_get_info(device)[0] + held)
    if device.type != "cpu":
        return float("inf")
    return min([_available(root), *_left_to_groups(root)])


def _available(root: Path) -> float:
    with suppress(OSError, ValueError, IndexError):
        for line in (root / "proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * float(line.split()[1])
    return float("inf")


def _left_to_groups(root: Path) -> Iterator[float]:
    """Yields what is left below the limit of each control group, of version 2 or 1."""
    lines: list[str] = []
    with suppress(OSError):
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    groups = root / "sys/fs/cgroup"
    for line in lines:
        _, controllers, name = line.split(":", 2)
        if not controllers:
            yield from _left(groups, name, "memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            yield from _left(groups / "memory", name, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def _left(mount: Path, name: str, limit: str, usage: str, reclaimable: str) -> Iterator[float]:
    folder = mount / name.strip("/")
    for group in [folder, *folder.parents]:  # within a container the name may be that outside it: then the mount itself is the group
        if not group.is_relative_to(mount):
            return
        with suppress(OSError, ValueError):  # "max" is no limit
            most, used = (float((group / file).read_text(encoding="ascii")) for file in (limit, usage))
            yield most - used + _of(group / "memory.stat", reclaimable)


def _of(path: Path, name: str) -> float:
    """Returns pages of files that the system gives up where memory is asked for."""
    with suppress(OSError, ValueError):
        for line in path.read_text(encoding="ascii").splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[1])
    return 0.0
