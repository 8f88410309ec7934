"""`python -m unite.plan`: what a run would take, before it is begun."""

from __future__ import annotations

from dataclasses import dataclass

from unite.errors import ConfigError, must_be


@dataclass(kw_only=True)
class PlanConfig:
    """What a plan goes by, beside the run's own options. See `unite.planning`.

    Attributes:
        device: on which the run is planned, by its name (h100, a100_40gb, l40s, ...).
        devices: how many of them work together.
        memory_gb: of each, in 10^9 bytes; null is what is known of the device.
        peak_tflops: of each, in bfloat16 without sparsity; null is what is known of the device.
        utilisation: share of the peak that training reaches.
        text_tokens: of a text, its prompt included.
        image_tokens: of an image; null is the most that the encoder takes.
        frames: of a video; null is the most that the source's decoding takes.

    Raises:
        ConfigError: if a number is out of its range.
    """

    device: str = "h100"
    devices: int = 8
    memory_gb: float | None = None
    peak_tflops: float | None = None
    utilisation: float = 0.35
    text_tokens: int = 96
    image_tokens: int | None = None
    frames: int | None = None

    def __post_init__(self) -> None:
        for name in ("devices", "text_tokens", "image_tokens", "frames"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(must_be(f"plan.{name}", "at least 1", value))
        for name in ("memory_gb", "peak_tflops"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 1e9:
                raise ConfigError(must_be(f"plan.{name}", "a number above 0", value))
        if not 0 < self.utilisation <= 1:
            raise ConfigError(must_be("plan.utilisation", "above 0, and at most 1", self.utilisation))
