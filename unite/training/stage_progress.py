"""How far a stage is, from its first step on, while it trains."""

from __future__ import annotations

import math
from contextlib import ExitStack
from typing import Any

import pytorch_lightning as pl
from typing_extensions import override

from unite.batch import Batch
from unite.progress import How, Work, shown
from unite.training.step_log import StepLog, steps_of


class StageProgress(pl.Callback):
    """Shows steps, and the means of the log's last row.

    Args:
        stage: its name.
        step_log: of the same trainer, before this one among its callbacks. Its values do not go by way of `LightningModule.log`, which
            takes most of a second at its first call.
        how: what is seen.
    """

    def __init__(self, stage: str, step_log: StepLog, how: How = "bar") -> None:
        self.stage = stage
        self.step_log = step_log
        self.how: How = how
        self.work: Work | None = None
        self._shown = ExitStack()

    @override
    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        progress = shown(self.stage, steps_of(trainer), "steps", done=trainer.global_step, how=self.how)
        self.work = self._shown.enter_context(progress)
        self.work.is_told = True  # its end is, however soon

    @override
    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Batch, batch_idx: int) -> None:
        if self.work is not None:
            self.work.done = trainer.global_step
            if not math.isnan(self.step_log.loss):
                self.work.note = f"loss {self.step_log.loss:.3f}, {self.step_log.samples_per_second:.0f} samples/s"

    @override
    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        self._shown.close()

    @override
    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        self._shown.close()
