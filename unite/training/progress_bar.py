"""The progress bar of a stage."""

from __future__ import annotations

import pytorch_lightning as pl
from pytorch_lightning.callbacks import RichProgressBar
from typing_extensions import override

from unite.training.step_log import StepLog


class StageProgressBar(RichProgressBar):
    """Lightning's bar with the stage's name for the epoch, of which there is one, and the means of the log's last row.

    Args:
        stage: its name.
        step_log: of the same trainer. Its values do not go by way of `LightningModule.log`, which takes most of a second at its first call.
    """

    def __init__(self, stage: str, step_log: StepLog) -> None:
        super().__init__(refresh_rate=10, leave=True)
        self.stage = stage
        self.step_log = step_log

    def _get_train_description(self, current_epoch: int) -> str:
        return self.stage

    @override
    def get_metrics(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, int | str | float | dict[str, float]]:
        return {"loss": f"{self.step_log.loss:.3f}", "samples/s": f"{self.step_log.samples_per_second:.0f}"}
