"""The progress bar of a stage."""

from __future__ import annotations

import pytorch_lightning as pl
from pytorch_lightning.callbacks import RichProgressBar
from typing_extensions import override


class StageProgressBar(RichProgressBar):
    """Lightning's bar with the stage's name for the epoch, of which there is one, and without the logger's version."""

    def __init__(self, stage: str) -> None:
        super().__init__(refresh_rate=10, leave=True)
        self.stage = stage

    def _get_train_description(self, current_epoch: int) -> str:
        return self.stage

    @override
    def get_metrics(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> dict[str, int | str | float | dict[str, float]]:
        metrics = super().get_metrics(trainer, pl_module)
        return {name: value for name, value in metrics.items() if name != "v_num"}
