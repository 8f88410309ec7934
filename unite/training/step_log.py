"""The log of a stage: a row every few steps, each value the mean over the steps since the last row."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl
from torch.optim import Optimizer
from typing_extensions import override

from unite.batch import Batch
from unite.errors import ConfigError, must_be
from unite.training.step import StepOutput
from unite.training.window import Window, WindowMeans


class StepLog(pl.Callback):
    """Writes rows of the log, the last one at the stage's last step. The names of the values:

    `train/loss`: what is trained on, the mean over the steps. `train/accuracy`, `train/positive_similarity`, `train/hardest_negative`,
    `train/num_negatives`, `train/share_without_negatives`: means over the terms (`unite.objective.Terms`).
    `train/loss/<pair>`, `train/accuracy/<pair>`: over the terms of a pair, `text-to-image`; `train/source/<name>/loss`, `.../accuracy`:
    of a source, each term counting alike, before the objective's weights. `train/source/<name>/samples_share`: of the samples.
    `train/negligible_contents`, `train/negligible_gradient`: with `trainer.negligible_gradient`, the share of the contents that were not
    passed again, and of the gradient that they had.
    `train/cut_share`: of the samples, those with a text that was longer than encoder.max_length and lost its end.
    `train/gradient_norm`: before clipping. `train/learning_rate`, `train/temperature`: of the last step; where groups of
    parameters have several rates the first one's, and each one's as `train/learning_rate/<name>`.
    `throughput/<what>_per_second`, `throughput/padded_share`; `source_epochs/<name>`, `source_upsampling/<name>`: of the mixture.

    Args:
        every: steps between two rows.
        sources: the names of the samples' sources, all of them.

    Attributes:
        loss, samples_per_second: of the last row, nan before the first.
    """

    def __init__(self, every: int, sources: Sequence[str]) -> None:
        if every < 1:
            raise ConfigError(must_be("trainer.log_every_n_steps", "at least 1", every))
        self.every = every
        self.window = Window(sources)
        self.loss = self.samples_per_second = math.nan
        self._since = time.monotonic()
        self._learning_rates: dict[str, float] = {}

    def leave_out(self, seconds: float) -> None:
        """Has the time of a validation count neither for the throughput nor for what is left."""
        self._since += seconds

    @override
    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._since = time.monotonic()

    @override
    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Batch, batch_idx: int) -> None:
        self._learning_rates = learning_rates(trainer.optimizers[0])  # before the schedule moves on

    @override
    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Batch, batch_idx: int) -> None:
        output: StepOutput = outputs["step"]
        self.window.add(batch, output, outputs["gradient_norm"])
        if trainer.global_step % self.every and trainer.global_step < steps_of(trainer):
            return
        means = self.window.close()
        if means is None:
            return
        now = time.monotonic()
        seconds, self._since = max(now - self._since, 1e-9), now
        row = {f"train/{name}": value for name, value in means.means.items()} | self._learning_rates
        row["train/temperature"] = float(output.objective.temperature)
        row["train/cut_share"] = means.num_cut / max(means.num_rows, 1)
        row |= _throughput(means, seconds)
        row |= trainer.datamodule.account(trainer.global_step)  # type: ignore[attr-defined]  # a run's data is always a mixture
        self.loss, self.samples_per_second = row["train/loss"], row["throughput/samples_per_second"]
        for logger in trainer.loggers:
            logger.log_metrics(row, step=trainer.global_step)


def steps_of(trainer: pl.Trainer) -> int:
    """Returns how many steps the stage has: those asked for, or fewer where an epoch of the mixture ends before."""
    return int(min(trainer.max_steps, trainer.num_training_batches))


def learning_rates(optimizer: Optimizer) -> dict[str, float]:
    """Returns the rates in force, by their keys in the log."""
    groups = optimizer.param_groups
    rates = {"train/learning_rate": float(groups[0]["lr"])}
    if any(group["lr"] != groups[0]["lr"] for group in groups):
        rates |= {f"train/learning_rate/{group.get('name', place)}": float(group["lr"]) for place, group in enumerate(groups)}
    return rates


def _throughput(means: WindowMeans, seconds: float) -> dict[str, float]:
    return {
        "throughput/samples_per_second": means.num_rows / seconds,
        "throughput/contents_per_second": means.num_contents / seconds,
        "throughput/tokens_per_second": means.num_tokens / seconds,
        "throughput/padded_share": 1 - means.num_tokens / max(means.num_padded_tokens, 1),
    }
