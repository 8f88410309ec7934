"""AdamW with linear warm-up and cosine decay, as the paper trains."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from unite.config.schema.optimizer import AdamWConfig
from unite.training.optimizer import CosineOptimizer, decayed_and_vectors, trainable


class AdamWCosine(CosineOptimizer):
    """Builds the optimizer and its schedule. An `OptimizerBuilder`.

    Args:
        config: the options, each documented there.
    """

    def __init__(self, config: AdamWConfig) -> None:
        super().__init__(config)
        self.config = config

    def optimizer(self, module: nn.Module) -> torch.optim.AdamW:
        """As of `CosineOptimizer`."""
        return adamw(trainable(module), self.config)


def adamw(parameters: Iterable[nn.Parameter], config: AdamWConfig) -> torch.optim.AdamW:
    """Returns AdamW over the parameters; vectors are not decayed."""
    groups = decayed_and_vectors(parameters, config.weight_decay)
    return torch.optim.AdamW(groups, lr=config.lr, betas=(config.beta1, config.beta2), eps=config.eps, fused=True)
