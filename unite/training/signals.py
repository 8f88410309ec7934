"""Signals that end a run: it takes the step that it is in to its end, saves, and tells the signal by its exit status.

    SIGTERM, SIGUSR1, SIGUSR2     checkpoint after the step, exit status 128 + the signal's number: 143 after SIGTERM
    SIGINT (Ctrl-C)               at once, without a checkpoint, 130

SLURM sends SIGTERM before it ends a job, and with `--signal=USR1@120` that one two minutes before. A second signal ends the run at once.
Lightning's own handlers are replaced: they talk to other ranks in the middle of whatever these are doing, and end with status 0.
"""

from __future__ import annotations

import logging
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import pytorch_lightning as pl
import torch
import torch.distributed as dist
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.utilities.exceptions import SIGTERMException
from typing_extensions import override

from unite.processes import num_ranks
from unite.types import Batch

log = logging.getLogger(__name__)

_SAVE_FIRST = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


class EndedBySignal(SystemExit):
    """A run that a signal ended; its code is 128 + the signal's number."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)


def status_of(error: BaseException) -> int | None:
    """Returns the exit status of a run that ends with an error; None where no signal is its cause."""
    if isinstance(error, EndedBySignal):
        return int(error.code)  # type: ignore[arg-type]
    if isinstance(error, SIGTERMException):  # before the first step
        return 128 + signal.SIGTERM
    is_interrupted = isinstance(error, KeyboardInterrupt) or isinstance(error.__context__, KeyboardInterrupt)  # as Lightning ends it
    return 128 + signal.SIGINT if is_interrupted else None


class StageCheckpoint(ModelCheckpoint):
    """Lightning's, and one more checkpoint when a signal ends the run. All ranks save and end after the same step."""

    received = 0

    @override
    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        super().on_train_start(trainer, pl_module)
        if threading.current_thread() is threading.main_thread():
            for number in _SAVE_FIRST:  # Lightning puts back what was there before when it ends
                signal.signal(number, self._receive)

    @override
    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Batch, batch_idx: int) -> None:
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
        number = self._received_by_any(pl_module.device)
        if not number:
            return
        if not (Path(str(self.dirpath)) / f"step={trainer.global_step}.ckpt").is_file():
            self._save_topk_checkpoint(trainer, self._monitor_candidates(trainer))
        raise EndedBySignal(number)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.received:
            raise EndedBySignal(number)
        self.received = number
        log.warning("%s: the run ends after this step, with a checkpoint; once more ends it at once", signal.Signals(number).name)

    def _received_by_any(self, device: torch.device) -> int:
        if num_ranks() == 1:
            return self.received
        received = torch.tensor(self.received, device=device)
        dist.all_reduce(received, op=dist.ReduceOp.MAX)
        return int(received)
