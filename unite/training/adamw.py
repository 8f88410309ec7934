"""AdamW with linear warm-up and cosine decay, as the paper trains."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from unite.config.schema.optimizer import AdamWConfig
from unite.training.optimizer import trainable, warmup_cosine


class AdamWCosine:
    """Builds the optimizer and its schedule. An `OptimizerBuilder`.

    Args:
        config: the options, each documented there.
    """

    def __init__(self, config: AdamWConfig) -> None:
        self.config = config

    @property
    def gradient_clip(self) -> float | None:
        """As of `OptimizerBuilder`."""
        return self.config.gradient_clip

    def build(self, parameters: Iterable[nn.Parameter], num_steps: int) -> tuple[torch.optim.AdamW, LambdaLR]:
        """As of `OptimizerBuilder`."""
        config, trained = self.config, trainable(parameters)
        groups = [
            {"params": [parameter for parameter in trained if parameter.ndim >= 2], "weight_decay": config.weight_decay},
            {"params": [parameter for parameter in trained if parameter.ndim < 2], "weight_decay": 0.0},
        ]
        groups = [group for group in groups if group["params"]]
        optimizer = torch.optim.AdamW(groups, lr=config.lr, betas=(config.beta1, config.beta2), eps=config.eps, fused=True)
        return optimizer, warmup_cosine(optimizer, num_steps, warmup_ratio=config.warmup_ratio, final_lr_ratio=config.final_lr_ratio)
