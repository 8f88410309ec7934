"""Counts the steps that were not taken."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from typing_extensions import override

from unite.batch import Batch
from unite.errors import ConfigError, TrainingError, must_be
from unite.files import append_line

log = logging.getLogger(__name__)


class SkippedSteps(pl.Callback):
    """Counts and names the steps whose gradient was not finite, which `UniteModule` does not take; too many of them end the run.

    Nothing is lost then: no step moved the weights, and the last checkpoint is whole. `train/skipped_steps` in the log is how many there
    were up to that step.

    Args:
        folder: a JSON line is written here for each, one file a rank, `skipped_steps-rank0.jsonl`: the step, the loss, the gradient's norm,
            the keys of the rank's samples.
        most: how many a stage may have.
    """

    def __init__(self, folder: Path, most: int) -> None:
        if most < 0:
            raise ConfigError(must_be("trainer.max_skipped_steps", "at least 0", most))
        self.folder = folder
        self.most = most
        self.num_skipped = 0

    @override
    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Batch, batch_idx: int) -> None:
        if outputs["is_taken"]:
            return
        self.num_skipped += 1
        path = self.folder / f"skipped_steps-rank{trainer.global_rank}.jsonl"
        step, norm = trainer.global_step - 1, float(outputs["gradient_norm"])  # counted from 0, as where samples are named
        append_line(path, {"step": step, "loss": float(outputs["loss"]), "gradient_norm": str(norm), "keys": batch.keys})
        for logger in trainer.loggers:
            logger.log_metrics({"train/skipped_steps": float(self.num_skipped)}, step=trainer.global_step)
        told = "step %d is not taken (%d so far): the norm of its gradient is %s; its samples are named in %s"
        log.warning(told, step, self.num_skipped, norm, path)
        if self.num_skipped > self.most:
            hint = f"Their samples are named in {path}. Try a lower optimizer.lr or trainer.precision=32-true; resume=true goes on."
            raise TrainingError(
                must_be(
                    "the steps with a gradient that is not finite",
                    f"at most {self.most} (trainer.max_skipped_steps)",
                    self.num_skipped,
                    hint,
                )
            )

    @override
    def state_dict(self) -> dict[str, Any]:
        return {"num_skipped": self.num_skipped}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.num_skipped = state_dict["num_skipped"]
