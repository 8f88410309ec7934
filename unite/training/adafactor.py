"""Adafactor with linear warm-up and cosine decay: hardly any memory beside weights and gradients."""

from __future__ import annotations

import torch
from torch import nn

from unite.config.schema.optimizer import AdafactorConfig
from unite.training.optimizer import CosineOptimizer, decayed_and_vectors, trainable


class AdafactorCosine(CosineOptimizer):
    """Builds the optimizer and its schedule. An `OptimizerBuilder`.

    Adafactor (Shazeer and Stern, arXiv 1804.04235) as torch has it: without momentum, its steps relative to the size of each tensor.

    Args:
        config: the options, each documented there.
    """

    def __init__(self, config: AdafactorConfig) -> None:
        super().__init__(config)
        self.config = config

    def optimizer(self, module: nn.Module) -> torch.optim.Optimizer:
        """As of `CosineOptimizer`."""
        config = self.config
        groups = decayed_and_vectors(trainable(module), config.weight_decay)
        return torch.optim.Adafactor(
            groups, lr=config.lr, beta2_decay=config.beta2_decay, eps=(None, config.min_size), d=config.clip_threshold
        )
