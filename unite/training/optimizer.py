"""What a stage needs of an optimizer: a file each builds one (`adamw`, `adamw_8bit`, `adafactor`, `muon`)."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, Protocol

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from unite.config.schema.optimizer import ScheduleConfig
from unite.errors import ConfigError
from unite.training.sharding import is_sharded


class OptimizerBuilder(Protocol):
    """Builds an optimizer and its schedule, once the parameters and the number of steps are known."""

    @property
    def gradient_clip(self) -> float | None:
        """The largest norm of the gradient over all parameters; None leaves it."""
        ...

    @property
    def ema_decay(self) -> float | None:
        """The share that the average of the weights keeps of itself at each step; None has no average."""
        ...

    def build(self, module: nn.Module, num_steps: int) -> tuple[torch.optim.Optimizer, LRScheduler]:
        """Returns the optimizer over the parameters of a module that are trained, and its schedule over `num_steps` steps.

        Raises:
            ConfigError: if none is trained.
        """
        ...


class CosineOptimizer(ABC):
    """An `OptimizerBuilder` by the options that every optimizer has: what differs is the optimizer itself.

    Args:
        config: the options, each documented there.
    """

    def __init__(self, config: ScheduleConfig) -> None:
        self.schedule = config

    @property
    def gradient_clip(self) -> float | None:
        """As of `OptimizerBuilder`."""
        return self.schedule.gradient_clip

    @property
    def ema_decay(self) -> float | None:
        """As of `OptimizerBuilder`."""
        return self.schedule.ema_decay

    def build(self, module: nn.Module, num_steps: int) -> tuple[torch.optim.Optimizer, LambdaLR]:
        """As of `OptimizerBuilder`."""
        optimizer = self.optimizer(module)
        return optimizer, warmup_cosine(optimizer, num_steps, self.schedule)

    @abstractmethod
    def optimizer(self, module: nn.Module) -> torch.optim.Optimizer:
        """Returns the optimizer over the parameters of a module that are trained. Raises ConfigError if none is."""


def trainable(module: nn.Module) -> list[nn.Parameter]:
    """Returns the parameters that are trained. Raises ConfigError if there is none."""
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if not trained:
        raise ConfigError("nothing is trained: the encoder has no trainable parameter. Give it an adapter, or set encoder.adapter=null.")
    return trained


def decayed_and_vectors(parameters: Iterable[nn.Parameter], weight_decay: float) -> list[dict[str, Any]]:
    """Returns the groups of an optimizer: what is decayed, and the vectors, which are not; what is sharded and what is not are apart."""
    decayed: list[nn.Parameter] = []
    vectors: list[nn.Parameter] = []
    plain_beside: list[nn.Parameter] = []
    parameters = list(parameters)
    some_are_sharded = any(map(is_sharded, parameters))
    for parameter in parameters:
        if parameter.ndim >= 2:
            decayed.append(parameter)
        else:
            (plain_beside if some_are_sharded and not is_sharded(parameter) else vectors).append(parameter)
    of_vectors = [{"params": some, "weight_decay": 0.0} for some in (vectors, plain_beside)]  # torch's steps take no lists of both kinds
    return [group for group in ({"params": decayed, "weight_decay": weight_decay}, *of_vectors) if group["params"]]


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
