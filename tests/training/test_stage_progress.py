"""What is shown of a toy stage while it trains: its steps from the first on, and the window's mean loss."""

import logging

import pytest
import pytorch_lightning as pl

from tests.training.toy import batch_of, examples, fit
from tests.watched import watched
from unite.config.schema import MAMCLConfig
from unite.objective import MAMCL
from unite.training import stage_progress
from unite.training.stage_progress import StageProgress
from unite.training.step_log import StepLog


class Noted(pl.Callback):
    """Keeps what is shown after each step."""

    def __init__(self, progress):
        self.progress, self.seen = progress, []

    def on_train_batch_end(self, *_):
        self.seen.append((self.progress.work.done, self.progress.work.note))


def test_each_step_is_counted_and_the_windows_mean_loss_told(monkeypatch, caplog):
    works = watched(monkeypatch, stage_progress)
    step_log = StepLog(2, ["toy"])
    progress = StageProgress("adaptation", step_log, "lines")
    noted = Noted(progress)
    with caplog.at_level(logging.INFO, logger="unite.progress"):
        fitted = fit([batch_of(examples(8 + at)) for at in range(5)], MAMCL(MAMCLConfig(temperature=0.1)), [step_log, progress, noted])
    rows = {
        step: f"loss {row['train/loss']:.3f}, {row['throughput/samples_per_second']:.0f} samples/s" for step, row in fitted.rows.items()
    }
    assert noted.seen == [(1, ""), (2, rows[2]), (3, rows[2]), (4, rows[4]), (5, rows[5])]
    assert [(work.title, work.total, work.unit, work.how) for work in works] == [("adaptation", 5, "steps", "lines")]
    assert caplog.messages[-1].startswith(f"adaptation: 5 of 5 steps, {rows[5]}, took ")  # however soon


def test_a_stage_that_breaks_off_is_told_as_far_as_it_came(caplog):
    class Broken(pl.Callback):
        def on_train_batch_end(self, *_):
            raise ValueError("broken")

    step_log = StepLog(2, ["toy"])
    callbacks = [step_log, StageProgress("adaptation", step_log), Broken()]
    with caplog.at_level(logging.INFO, logger="unite.progress"), pytest.raises(ValueError, match="broken"):
        fit([batch_of(examples(8)) for _ in range(3)], MAMCL(MAMCLConfig(temperature=0.1)), callbacks)
    assert caplog.messages[-1].startswith("adaptation: 1 of 3 steps, took ")
