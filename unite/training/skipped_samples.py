"""Counts the samples that could not be read."""

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
            actual = f"{share:.1%} ({self.num_skipped} of {self.num_seen}; the last one: {batch.skipped[-1][1]})"
            raise TrainingError(
                must_be("the share of unreadable samples", f"at most {self.max_share:.1%} (data.max_skipped_share)", actual, hint)
            )

    @override
    def state_dict(self) -> dict[str, Any]:
        return {"num_skipped": self.num_skipped, "num_seen": self.num_seen}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.num_skipped, self.num_seen = state_dict["num_skipped"], state_dict["num_seen"]
