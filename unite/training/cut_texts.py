"""Counts the samples with a text that is longer than the encoder reads: they are trained on, without its end."""

from __future__ import annotations

import logging
from typing import Any

import pytorch_lightning as pl
from typing_extensions import override

from unite.batch import Batch

log = logging.getLogger(__name__)

_WHAT = "text that is longer than encoder.max_length: its end is not read"


class CutTexts(pl.Callback):
    """Says the first such sample and when they are ten times as many as last said, and at the end how many they were."""

    def __init__(self) -> None:
        self.num_cut = 0
        self.num_seen = 0

    @override
    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Batch, batch_idx: int) -> None:
        before, self.num_cut = self.num_cut, self.num_cut + len(batch.cut)
        self.num_seen += len(batch.keys)
        if batch.cut and len(str(self.num_cut)) > (len(str(before)) if before else 0):
            log.warning("%d of %d samples so far hold a %s. The last one is %s.", self.num_cut, self.num_seen, _WHAT, batch.cut[-1])

    @override
    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.num_cut:
            log.warning("%d of %d samples hold a %s.", self.num_cut, self.num_seen, _WHAT)

    @override
    def state_dict(self) -> dict[str, Any]:
        return {"num_cut": self.num_cut, "num_seen": self.num_seen}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.num_cut, self.num_seen = state_dict["num_cut"], state_dict["num_seen"]
