"""What a stage needs of an optimizer: a file each builds one (`adamw`, `muon`)."""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from unite.config.schema.optimizer import ScheduleConfig
from unite.errors import ConfigError


class OptimizerBuilder(Protocol):
    """Builds an optimizer and its schedule, once the parameters and the number of steps are known."""

    @property
    def gradient_clip(self) -> float | None:
        """The largest norm of the gradient over all parameters; None leaves it."""
        ...

    def build(self, module: nn.Module, num_steps: int) -> tuple[torch.optim.Optimizer, LRScheduler]:
        """Returns the optimizer over the parameters of a module that are trained, and its schedule over `num_steps` steps.

        Raises:
            ConfigError: if none is trained.
        """
        ...


def trainable(module: nn.Module) -> list[nn.Parameter]:
    """Returns the parameters that are trained. Raises ConfigError if there is none."""
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if not trained:
        raise ConfigError("nothing is trained: the encoder has no trainable parameter. Give it an adapter, or set encoder.adapter=null.")
    return trained


def warmup_cosine(optimizer: torch.optim.Optimizer, num_steps: int, config: ScheduleConfig) -> LambdaLR:
    """Returns a schedule: the rate rises linearly in the first share of the steps, then falls as a cosine to a share of itself."""
    return LambdaLR(optimizer, lambda step: warmup_cosine_factor(step, num_steps, config.warmup_ratio, config.final_lr_ratio))


def warmup_cosine_factor(step: int, num_steps: int, warmup_ratio: float, final_lr_ratio: float) -> float:
    """Returns the share of the learning rate in force at a step, 0 to 1."""
    warmup = round(warmup_ratio * num_steps)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    progress = min((step - warmup) / max(num_steps - warmup, 1), 1.0)
    return final_lr_ratio + (1 - final_lr_ratio) * 0.5 * (1 + math.cos(math.pi * progress))
