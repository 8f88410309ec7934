"""AdamW with linear warm-up and cosine decay, as the paper trains."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from unite.errors import ConfigError, must_be


@dataclass(frozen=True)
class AdamWCosine:
    """Builds the optimizer and its schedule.

    Attributes:
        lr: the learning rate after warm-up.
        beta1, beta2, eps, weight_decay: of AdamW. Biases, norms and other vectors are not decayed.
        warmup_ratio: share of the steps in which the rate rises linearly from 0.
        final_lr_ratio: share of `lr` left at the end of the cosine.
        gradient_clip: the largest norm of the gradient over all parameters; None leaves it.
    """

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

    def build(self, parameters: Iterable[nn.Parameter], num_steps: int) -> tuple[torch.optim.AdamW, LambdaLR]:
        """Returns the optimizer over the trainable parameters, and its schedule over `num_steps` steps."""
        trainable = [parameter for parameter in parameters if parameter.requires_grad]
        if not trainable:
            raise ConfigError(
                "nothing is trained: the encoder has no trainable parameter. Give it an adapter, or set encoder.adapter=null."
            )
        groups = [
            {"params": [parameter for parameter in trainable if parameter.ndim >= 2], "weight_decay": self.weight_decay},
            {"params": [parameter for parameter in trainable if parameter.ndim < 2], "weight_decay": 0.0},
        ]
        groups = [group for group in groups if group["params"]]
        optimizer = torch.optim.AdamW(groups, lr=self.lr, betas=(self.beta1, self.beta2), eps=self.eps, fused=True)
        return optimizer, LambdaLR(optimizer, lambda step: self.factor(step, num_steps))

    def factor(self, step: int, num_steps: int) -> float:
        """Returns the share of `lr` in force at a step, 0 to 1."""
        warmup = round(self.warmup_ratio * num_steps)
        if step < warmup:
            return (step + 1) / (warmup + 1)
        progress = min((step - warmup) / max(num_steps - warmup, 1), 1.0)
        return self.final_lr_ratio + (1 - self.final_lr_ratio) * 0.5 * (1 + math.cos(math.pi * progress))
