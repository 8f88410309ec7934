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

    def build(self, module: nn.Module, num_steps: int) -> tuple[torch.optim.AdamW, LambdaLR]:
        """As of `OptimizerBuilder`."""
        optimizer = adamw(trainable(module), self.config)
        return optimizer, warmup_cosine(optimizer, num_steps, self.config)


def adamw(parameters: Iterable[nn.Parameter], config: AdamWConfig) -> torch.optim.AdamW:
    """Returns AdamW over the parameters; vectors are not decayed."""
    decayed: list[nn.Parameter] = []
    vectors: list[nn.Parameter] = []
    for parameter in parameters:
        (decayed if parameter.ndim >= 2 else vectors).append(parameter)
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    groups = [group for group in groups if group["params"]]
    return torch.optim.AdamW(groups, lr=config.lr, betas=(config.beta1, config.beta2), eps=config.eps, fused=True)
