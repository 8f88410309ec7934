"""Validation every few steps: its values in the log, the best weights kept, training ended where nothing gets better.

No training sample and no random number of training changes by it: the batches are a function of seed and step, and the random state is put
back.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.strategies import Strategy
from torch import nn
from typing_extensions import override

from unite.batch import Batch
from unite.errors import CheckpointError, must_be
from unite.files import read_json, write_json
from unite.processes import is_first_rank
from unite.progress import shown
from unite.training.sharding import unsharded
from unite.training.step_log import StepLog, steps_of
from unite.training.validator import Validator

log = logging.getLogger(__name__)


class EarlyEnd(Protocol):
    """Judges from outside whether a run is worth going on with: a search that its run is a trial of."""

    def was_pruned(self) -> bool:
        """Returns whether the run was told to end before it was broken off."""
        ...

    def should_end(self, step: int, score: float) -> bool:
        """Takes note of the score of a validation; returns whether training is to end."""
        ...


@dataclass(frozen=True)
class Best:
    """The best weights so far: their score, the step, and the checkpoint's name in the folder."""

    step: int
    score: float
    file: str

    @classmethod
    def read(cls, folder: Path) -> Best | None:
        """Reads the record in a folder; None where there is none."""
        if not (folder / "best.json").is_file():
            return None
        fields = read_json(folder / "best.json", "Delete its folder to forget which weights were best.")
        return cls(int(fields["step"]), float(fields["score"]), str(fields["file"]))


class Validation(pl.Callback):
    """Validates every few steps and at the last one.

    The log gets `validation/score`, `validation/share_of_time` (of the stage's time so far), and what the validator finds.

    Args:
        validator: what is looked at.
        every: steps between two validations.
        patience: validations in a row without a better score after which training ends; None never ends it.
        folder: gets the best weights, `step=<n>.ckpt` without the optimizer's state, and `best.json`. A resumed run goes on with them.
        early_end: may end training too; None never does.
    """

    def __init__(self, validator: Validator, every: int, patience: int | None, folder: Path, early_end: EarlyEnd | None = None) -> None:
        self.validator = validator
        self.every = every
        self.patience = patience
        self.folder = folder
        self.early_end = early_end
        self.best: Best | None = None
        self.num_validations = 0
        self._seconds = 0.0
        self._start = time.monotonic()

    @override
    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._start = time.monotonic()
        self.best = Best.read(self.folder)
        self._stop_if_no_better(trainer)
        self._stop_if_told(trainer, lambda early_end: early_end.was_pruned())

    @override
    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Batch, batch_idx: int) -> None:
        step = trainer.global_step
        if step % self.every and step < steps_of(trainer):
            return
        began = time.monotonic()
        with pl_module.averaged():  # type: ignore[operator]  # ours: what is exported is what is looked at
            with (
                shown(f"validation at step {step}"),
                undisturbed(pl_module),
                unsharded(pl_module.encoder),  # type: ignore[arg-type]
                trainer.precision_plugin.forward_context(),
            ):
                found = self.validator(pl_module.encoder, pl_module.objective, pl_module.device)  # type: ignore[arg-type]
            is_better = self.best is None or found.score > self.best.score
            if is_better:
                self._keep(trainer, step, found.score)
        now = time.monotonic()
        self._seconds += now - began
        self.num_validations += 1
        for callback in trainer.callbacks:  # type: ignore[attr-defined]  # Lightning sets it
            if isinstance(callback, StepLog):
                callback.leave_out(now - began)
        share = self._seconds / max(now - self._start, 1e-9)
        row = {"validation/score": found.score, "validation/share_of_time": share}
        row |= {f"validation/{name}": value for name, value in found.metrics.items()}
        for logger in trainer.loggers:
            logger.log_metrics(row, step=step)
        if is_first_rank():
            loss = f"loss {found.metrics['loss']:.3f}, " if "loss" in found.metrics else ""
            log.info("validation at step %d: %sscore %.3f%s", step, loss, found.score, ", the best so far" if is_better else "")
        self._stop_if_no_better(trainer)
        if step < steps_of(trainer):
            self._stop_if_told(trainer, lambda early_end: early_end.should_end(step, found.score))

    @override
    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.num_validations and self.best and is_first_rank():
            seconds = time.monotonic() - self._start
            share = 100 * self._seconds / max(seconds, 1e-9)
            best = f"the best score was {self.best.score:.3f} at step {self.best.step}"
            told = "validation took %.1f s, %.1f %% of the stage's %.1f s (%d times); %s"
            log.info(told, self._seconds, share, seconds, self.num_validations, best)

    def load_best(self, module: pl.LightningModule, strategy: Strategy) -> None:
        """Gives a module the best weights.

        Args:
            module: that was trained.
            strategy: by which their checkpoint was written.

        Raises:
            CheckpointError: if there are none.
        """
        best = Best.read(self.folder)
        if best is None or not (self.folder / best.file).exists():
            raise CheckpointError(must_be(f"the best weights in {self.folder}", "kept by a validation", "missing", "Set export=last."))
        checkpoint = strategy.load_checkpoint(self.folder / best.file, weights_only=True)
        module.on_load_checkpoint(checkpoint)
        module.load_state_dict(checkpoint["state_dict"], strict=False)
        if is_first_rank():
            log.info("the weights of step %d are exported, the best in validation (score %.3f)", best.step, best.score)

    def _keep(self, trainer: pl.Trainer, step: int, score: float) -> None:
        self.best = Best(step, score, f"step={step}.ckpt")
        trainer.save_checkpoint(self.folder / self.best.file, weights_only=True)
        if is_first_rank():
            write_json(self.folder / "best.json", asdict(self.best))
            for old in self.folder.glob("*.ckpt"):
                if old.name != self.best.file:
                    trainer.strategy.remove_checkpoint(old)

    def _stop_if_no_better(self, trainer: pl.Trainer) -> None:
        """Ends training where patience is at its end; judged by steps, so that a resumed run ends where the undisturbed one would."""
        if self.patience is not None and self.best is not None and trainer.global_step >= self.best.step + self.patience * self.every:
            log.info("step %d: no better score since step %d, training ends (validation.patience)", trainer.global_step, self.best.step)
            trainer.should_stop = True

    def _stop_if_told(self, trainer: pl.Trainer, is_told: Callable[[EarlyEnd], bool]) -> None:
        """Ends training where the first rank is told to: it alone asks."""
        if self.early_end is not None and trainer.strategy.broadcast(is_first_rank() and is_told(self.early_end)):
            trainer.should_stop = True


@contextmanager
def undisturbed(module: nn.Module) -> Iterator[None]:
    """Puts back the random states and the modes of all modules."""
    modes = [(one, one.training) for one in module.modules()]
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002  # transformers may draw from it
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        for one, mode in modes:
            one.training = mode
