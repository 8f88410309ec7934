"""The optimizer and its schedule."""

from __future__ import annotations

import math
from dataclasses import dataclass

from unite.errors import ConfigError, must_be


@dataclass(kw_only=True)
class AdamWConfig:
    """AdamW with linear warm-up and cosine decay, as the paper trains.

    Attributes:
        lr: the learning rate after warm-up.
        beta1, beta2, eps, weight_decay: of AdamW. Biases, norms and other vectors are not decayed.
        warmup_ratio: share of the steps in which the rate rises linearly from 0.
        final_lr_ratio: share of `lr` left at the end of the cosine.
        gradient_clip: the largest norm of the gradient over all parameters; null leaves it.

    Raises:
        ConfigError: if a value is out of its range.
    """

    _target_: str = "unite.training.adamw.AdamWCosine"
    lr: float = 1e-4
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0
    warmup_ratio: float = 0.03
    final_lr_ratio: float = 0.0
    gradient_clip: float | None = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.lr < math.inf:  # NaN is in no range
            raise ConfigError(must_be("optimizer.lr", "a number above 0", self.lr))
        for name in ("beta1", "beta2", "warmup_ratio"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(must_be(f"optimizer.{name}", "from 0 to below 1", getattr(self, name)))
        for name in ("eps", "weight_decay"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ConfigError(must_be(f"optimizer.{name}", "a number of at least 0", getattr(self, name)))
        if not 0 <= self.final_lr_ratio <= 1:
            raise ConfigError(must_be("optimizer.final_lr_ratio", "from 0 to 1", self.final_lr_ratio))
        if self.gradient_clip is not None and not self.gradient_clip > 0:
            raise ConfigError(must_be("optimizer.gradient_clip", "above 0, or null for none", self.gradient_clip))
