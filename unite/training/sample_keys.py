"""Names the samples of batches in files of the run folder: of every batch, or of the one that failed."""

from __future__ import annotations

import logging
from pathlib import Path

import pytorch_lightning as pl
from typing_extensions import override

from unite.batch import Batch
from unite.errors import NonFiniteLossError
from unite.files import append_line, write_json

log = logging.getLogger(__name__)


class SampleKeys(pl.Callback):
    """Writes the keys of every batch, so that anyone can check that two runs saw the same samples in the same order.

    Args:
        folder: one file a rank, `samples-rank0.jsonl`, one line a step: the stage, the step in it, the keys.
        stage: its name.
    """

    def __init__(self, folder: Path, stage: str) -> None:
        self.folder = folder
        self.stage = stage

    @override
    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Batch, batch_idx: int) -> None:
        line = {"stage": self.stage, "step": trainer.global_step, "keys": batch.keys}
        append_line(self.folder / f"samples-rank{trainer.global_rank}.jsonl", line)


class FailedBatch(pl.Callback):
    """Saves the keys of the batch whose loss was not finite, so that the cause can be looked for.

    Args:
        folder: gets `failed_batch-rank0.json`, one file a rank: the step, the loss, the keys.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @override
    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        if isinstance(exception, NonFiniteLossError):
            path = self.folder / f"failed_batch-rank{trainer.global_rank}.json"
            write_json(path, {"step": trainer.global_step, "reason": str(exception), "keys": exception.keys})
            log.error("the samples of the failed batch are named in %s", path)
