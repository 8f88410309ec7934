"""AdamW with moments of 8 bits, by bitsandbytes, with linear warm-up and cosine decay."""

from __future__ import annotations

import torch
from torch import nn

from unite.config.schema.optimizer import AdamW8bitConfig
from unite.errors import ConfigError
from unite.training.optimizer import CosineOptimizer, decayed_and_vectors, trainable


class AdamW8bitCosine(CosineOptimizer):
    """Builds the optimizer and its schedule. An `OptimizerBuilder`.

    The moments of AdamW in 8 bits, by blocks with a scale each (Dettmers et al., arXiv 2110.02861). Weights and gradients stay as they are.

    Args:
        config: the options, each documented there.

    Raises:
        ConfigError: if bitsandbytes cannot be imported.
    """

    def __init__(self, config: AdamW8bitConfig) -> None:
        super().__init__(config)
        self.config = config
        try:
            import bitsandbytes
        except ImportError as error:
            raise ConfigError(
                f"optimizer=adamw_8bit needs bitsandbytes, which cannot be imported ({error}): pip install 'unite[bitsandbytes]'. "
                "optimizer=adafactor, which saves more memory, needs no library of its own."
            ) from error
        self._adamw_8bit = bitsandbytes.optim.AdamW8bit

    def optimizer(self, module: nn.Module) -> torch.optim.Optimizer:
        """As of `CosineOptimizer`."""
        config = self.config
        groups = decayed_and_vectors(trainable(module), config.weight_decay)
        optimizer: torch.optim.Optimizer = self._adamw_8bit(
            groups, lr=config.lr, betas=(config.beta1, config.beta2), eps=config.eps, min_8bit_size=config.min_8bit_size
        )
        return optimizer
