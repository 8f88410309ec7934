"""Watches for the collapse of the embeddings."""

from __future__ import annotations

import logging
import math
import time
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from typing_extensions import override

from unite.batch import Batch
from unite.training.step import StepOutput

log = logging.getLogger(__name__)


class CollapseAlarm(pl.Callback):
    """Says aloud when the embeddings have collapsed: all alike, so that the loss stays at the logarithm of the pool.

    Args:
        after_seconds: training time after which a run must have left chance behind.
        after_steps: steps before which it is not judged: a slow run has taken few by then.
        window: steps whose mean is judged, once they are over.
        margin: how far below chance, as a share of it, the loss must be.
    """

    def __init__(self, after_seconds: float = 40.0, after_steps: int = 100, window: int = 20, margin: float = 0.03) -> None:
        self.after_seconds = after_seconds
        self.after_steps = after_steps
        self.num_steps = 0
        self.margin = margin
        self.collapsed = False
        self.window = window
        self._ratios: list[Tensor] = []
        self._start = time.monotonic()

    @override
    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._start = time.monotonic()

    @override
    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Batch, batch_idx: int) -> None:
        if self.collapsed:
            return
        output: StepOutput = outputs["step"]
        self._ratios.append(output.loss / output.objective.metrics["num_negatives"].log1p())
        self.num_steps += 1
        if len(self._ratios) < self.window:
            return
        # Read once a window, so that a GPU is not waited for at every step; a step without negatives has no chance to compare with.
        ratios = [ratio for ratio in torch.stack(self._ratios).tolist() if math.isfinite(ratio)]
        self._ratios.clear()
        if not ratios or self.num_steps < self.after_steps or time.monotonic() - self._start < self.after_seconds:
            return
        mean = sum(ratios) / len(ratios)
        if mean > 1 - self.margin:
            self.collapsed = True
            log.warning(
                "COLLAPSED: after %.0f s the loss is still at the logarithm of the pool (%.2f of it over %d steps): "
                "all embeddings are alike. If it stays so, try a lower optimizer.lr, a smaller data.batch_size, a higher "
                "objective.temperature, or another seed.",
                time.monotonic() - self._start,
                mean,
                len(ratios),
            )
