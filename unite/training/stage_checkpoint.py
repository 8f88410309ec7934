"""The checkpoints of a stage: every few steps, every few minutes, and when a signal ends the run.

What a checkpoint says of its run beside weights and state, under `unite`: `num_processes` and `precision`. A run goes on exactly only with
the same: dropout is drawn by the rank, and another precision computes other numbers. A sharded run, whose checkpoints are made for it, may
go on with another number of processes all the same.
"""

from __future__ import annotations

import logging
import time
from typing import Any

import pytorch_lightning as pl
import torch
import torch.distributed as dist
from pytorch_lightning.callbacks import ModelCheckpoint
from typing_extensions import override

from unite.batch import Batch
from unite.errors import CheckpointError, must_be
from unite.processes import num_ranks
from unite.training.sharded_strategy import is_sharded_run
from unite.training.signals import EndedBySignal, Signals

_MADE_BY = "unite"

log = logging.getLogger(__name__)

#: What the record holds -> what the user calls it.
_OPTIONS = {"num_processes": "trainer.devices x trainer.num_nodes", "precision": "trainer.precision"}


class StageCheckpoint(ModelCheckpoint):
    """Lightning's, with minutes beside steps, and one more checkpoint when a signal ends the run. All ranks save after the same step.

    Args:
        folder: of the stage's checkpoints, `step=<n>.ckpt`.
        every_n_steps: between two checkpoints.
        every_n_minutes: since the last checkpoint, however it came, until the end of the next step writes one; 0 goes by steps alone.
        keep_last: how many stay.
    """

    def __init__(self, folder: Any, every_n_steps: int, every_n_minutes: float = 0, keep_last: int = 1) -> None:
        super().__init__(
            folder,
            filename="{step}",
            every_n_train_steps=every_n_steps,
            monitor="step",
            mode="max",
            save_top_k=keep_last,
            enable_version_counter=False,
        )
        self.signals = Signals()
        self.seconds = 60 * every_n_minutes
        self._saved_at = 0.0
        self._saved_step = 0

    @override
    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        super().on_train_start(trainer, pl_module)
        self._saved_at, self._saved_step = time.monotonic(), trainer.global_step
        self.signals.receive()

    @override
    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Batch, batch_idx: int) -> None:
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
        number, is_due = self._of_any(pl_module.device)
        if (number or is_due) and self._saved_step != trainer.global_step:
            self._save_topk_checkpoint(trainer, self._monitor_candidates(trainer))
        if number:
            raise EndedBySignal(number)

    @override
    def _save_checkpoint(self, trainer: pl.Trainer, filepath: str) -> None:
        super()._save_checkpoint(trainer, filepath)
        self._saved_at, self._saved_step = time.monotonic(), trainer.global_step

    @override
    def on_save_checkpoint(self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(trainer, pl_module, checkpoint)
        checkpoint[_MADE_BY] = _made_by(trainer)

    @override
    def on_load_checkpoint(self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Refuses a checkpoint of another number of processes, but of a sharded run, or another precision; one of before this was written
        down is taken.

        Raises:
            CheckpointError: in these cases.
        """
        super().on_load_checkpoint(trainer, pl_module, checkpoint)
        before, now = checkpoint.get(_MADE_BY, {}), _made_by(trainer)
        for name, option in _OPTIONS.items():
            if name in before and before[name] != now[name]:
                if name == "num_processes" and is_sharded_run(trainer):
                    log.info("%s processes go on with a run of %s: exactly but for dropout", now[name], before[name])
                    continue
                hint = "Only with that the run goes on exactly; resume=true without the option takes what the run was begun with."
                raise CheckpointError(must_be(f"{option} of the resumed run", f"{before[name]}, that of its checkpoint", now[name], hint))

    def _of_any(self, device: torch.device) -> tuple[int, bool]:
        """Returns the signal that a rank received, 0 for none, and whether a rank's clock says that a checkpoint is due."""
        is_due = bool(self.seconds) and time.monotonic() - self._saved_at >= self.seconds
        if num_ranks() == 1:
            return self.signals.received, is_due
        said = torch.tensor([self.signals.received, int(is_due)], device=device)
        dist.all_reduce(said, op=dist.ReduceOp.MAX)
        return int(said[0]), bool(said[1])


def _made_by(trainer: pl.Trainer) -> dict[str, Any]:
    return {"num_processes": trainer.world_size, "precision": str(trainer.precision)}
