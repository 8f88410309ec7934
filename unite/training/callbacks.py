"""What watches a run: the log, the unreadable samples, collapse."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter, deque
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import RichProgressBar
from typing_extensions import override

from unite.errors import ConfigError, NonFiniteLossError, TrainingError, must_be
from unite.files import append_line, write_json
from unite.training.step import count_tokens
from unite.types import Batch

log = logging.getLogger(__name__)


class StepLog(pl.Callback):
    """Logs loss, metrics, learning rate, throughput, padding and each source's share of the samples.

    Args:
        every: steps between two rows of the log; throughput is the mean over them.
        told: whether to write a line to the run's own log too, at most one in ten seconds: where no progress bar is seen.
    """

    def __init__(self, every: int, told: bool = False) -> None:
        if every < 1:
            raise ConfigError(must_be("trainer.log_every_n_steps", "at least 1", every))
        self.every = every
        self.told = told
        self._told_at = time.monotonic()
        self.samples: Counter[str] = Counter()
        self._since = time.monotonic()
        self._contents = self._rows = self._tokens = self._padded = 0

    @override
    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._since = time.monotonic()

    @override
    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Batch, batch_idx: int) -> None:
        real, padded = count_tokens(batch.micro_batches)
        self.samples.update(batch.sources)
        self._rows += batch.relations.num_rows
        self._contents += batch.relations.num_contents
        self._tokens += real
        self._padded += padded
        if trainer.global_step % self.every:
            return
        seconds = max(time.monotonic() - self._since, 1e-9)
        row = {f"train/{name}": float(value) for name, value in outputs.items()}
        row["train/learning_rate"] = trainer.optimizers[0].param_groups[0]["lr"]
        row["throughput/samples_per_second"] = self._rows * trainer.world_size / seconds
        row["throughput/contents_per_second"] = self._contents * trainer.world_size / seconds
        row["throughput/tokens_per_second"] = self._tokens * trainer.world_size / seconds
        row["throughput/padded_share"] = 1 - self._tokens / max(self._padded, 1)
        total = sum(self.samples.values())
        row |= {f"source_share/{name}": count / total for name, count in sorted(self.samples.items())}
        row |= trainer.datamodule.account(trainer.global_step)  # type: ignore[attr-defined]  # a run's data is always a mixture
        pl_module.log("loss", row["train/loss"], prog_bar=True, logger=False)
        pl_module.log("samples/s", row["throughput/samples_per_second"], prog_bar=True, logger=False)
        for logger in trainer.loggers:
            logger.log_metrics(row, step=trainer.global_step)
        if self.told:
            self._tell(trainer, row, seconds / self.every)
        self._since = time.monotonic()
        self._contents = self._rows = self._tokens = self._padded = 0

    def _tell(self, trainer: pl.Trainer, row: dict[str, float], seconds_a_step: float) -> None:
        is_last = trainer.global_step + self.every > trainer.max_steps
        if time.monotonic() - self._told_at < 10 and not is_last:
            return
        self._told_at = time.monotonic()
        loss, speed = row["train/loss"], row["throughput/samples_per_second"]
        left = timedelta(seconds=round((trainer.max_steps - trainer.global_step) * seconds_a_step))
        log.info("step %d/%d, loss %.3f, %.0f samples/s, %s left", trainer.global_step, trainer.max_steps, loss, speed, left)

    @override
    def state_dict(self) -> dict[str, Any]:
        return {"samples": dict(self.samples)}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.samples = Counter(state_dict["samples"])


class SkippedSamples(pl.Callback):
    """Counts and names the samples that could not be read; too many of them end the run.

    Args:
        path: a JSON line is written here for each: key and reason.
        max_share: the largest share of samples that may be unreadable, 0 to 1. Judged from the 100th sample on.
    """

    def __init__(self, path: Path, max_share: float) -> None:
        if not 0 <= max_share <= 1:
            raise ConfigError(must_be("data.max_skipped_share", "from 0 to 1", max_share))
        self.path = path
        self.max_share = max_share
        self.num_skipped = 0
        self.num_seen = 0

    @override
    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Batch, batch_idx: int) -> None:
        self.num_seen += len(batch.keys) + len(batch.skipped)
        for key, reason in batch.skipped:
            self.num_skipped += 1
            log.warning("skipped a sample (%d of %d so far): %s", self.num_skipped, self.num_seen, reason)
            append_line(self.path, {"key": key, "reason": reason})
        share = self.num_skipped / max(self.num_seen, 1)
        if batch.skipped and (not batch.keys or (share > self.max_share and self.num_seen >= 100)):
            hint = f"They are named in {self.path}. Mend or remove them, or raise the bound."
            is_ = f"{share:.1%} ({self.num_skipped} of {self.num_seen}; the last one: {batch.skipped[-1][1]})"
            raise TrainingError(
                must_be("the share of unreadable samples", f"at most {self.max_share:.1%} (data.max_skipped_share)", is_, hint)
            )

    @override
    def state_dict(self) -> dict[str, Any]:
        return {"num_skipped": self.num_skipped, "num_seen": self.num_seen}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.num_skipped, self.num_seen = state_dict["num_skipped"], state_dict["num_seen"]


class CollapseAlarm(pl.Callback):
    """Says aloud when the embeddings have collapsed: all alike, so that the loss stays at the logarithm of the pool.

    Args:
        after_seconds: training time after which a run must have left chance behind.
        after_steps: steps before which it is not judged: a slow run has taken few by then.
        window: steps whose mean is judged.
        margin: how far below chance, as a share of it, the loss must be.
    """

    def __init__(self, after_seconds: float = 40.0, after_steps: int = 100, window: int = 20, margin: float = 0.03) -> None:
        self.after_seconds = after_seconds
        self.after_steps = after_steps
        self.num_steps = 0
        self.margin = margin
        self.collapsed = False
        self._ratios: deque[float] = deque(maxlen=window)
        self._start = time.monotonic()

    @override
    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._start = time.monotonic()

    @override
    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Batch, batch_idx: int) -> None:
        chance = math.log1p(float(outputs["num_negatives"]))
        if chance <= 0 or self.collapsed:
            return
        self._ratios.append(float(outputs["loss"]) / chance)
        self.num_steps += 1
        if (
            self.num_steps < self.after_steps
            or len(self._ratios) < (self._ratios.maxlen or 1)
            or time.monotonic() - self._start < self.after_seconds
        ):
            return
        mean = sum(self._ratios) / len(self._ratios)
        if mean > 1 - self.margin:
            self.collapsed = True
            log.warning(
                "COLLAPSED: after %.0f s the loss is still at the logarithm of the pool (%.2f of it over %d steps): "
                "all embeddings are alike. If it stays so, try a lower optimizer.lr, a smaller data.batch_size, a higher "
                "objective.temperature, or another seed.",
                time.monotonic() - self._start,
                mean,
                len(self._ratios),
            )


class SampleKeys(pl.Callback):
    """Writes the keys of every batch, so that anyone can check that two runs saw the same samples in the same order.

    Args:
        folder: one file a rank, `samples-rank0.jsonl`, one line a step.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @override
    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Batch, batch_idx: int) -> None:
        append_line(self.folder / f"samples-rank{trainer.global_rank}.jsonl", {"step": trainer.global_step, "keys": batch.keys})


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
