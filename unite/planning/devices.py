"""Devices by name: memory and peak, as their makers' data sheets tell them."""

from __future__ import annotations

from dataclasses import dataclass

from unite.errors import ConfigError, must_be_one_of


@dataclass(frozen=True)
class Device:
    """One accelerator.

    Attributes:
        memory: bytes.
        peak: bfloat16 operations a second, dense.
    """

    memory: float
    peak: float


#: 10^9 bytes and 10^12 operations a second, from the data sheets of NVIDIA and AMD; those with sparsity are halved.
_KNOWN = {
    "a10g": (24, 70),
    "a100_40gb": (40, 312),
    "a100_80gb": (80, 312),
    "b200": (180, 2250),
    "gh200": (96, 989),
    "h100": (80, 989),
    "h200": (141, 989),
    "l4": (24, 121),
    "l40s": (48, 362),
    "mi300x": (192, 1307),
    "rtx3090": (24, 71),
    "rtx4090": (24, 165),
    "rtx5090": (32, 209),
    "v100_32gb": (32, 125),
}


def device_of(name: str, memory_gb: float | None = None, peak_tflops: float | None = None) -> Device:
    """Returns a device by its name, or one of which memory and peak are given.

    Raises:
        ConfigError: if it is not known, and not both are given.
    """
    if name not in _KNOWN and (memory_gb is None or peak_tflops is None):
        raise ConfigError(must_be_one_of("plan.device", _KNOWN, name, "Of another give plan.memory_gb and plan.peak_tflops."))
    memory, peak = _KNOWN.get(name, (0, 0))
    return Device(1e9 * (memory_gb or memory), 1e12 * (peak_tflops or peak))
