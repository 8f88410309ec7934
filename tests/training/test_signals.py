"""Signals sent to this very process while it trains, and to one of two ranks."""

import os
import signal
import sys

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.exceptions import SIGTERMException

from tests.training.ranks import in_ranks
from tests.training.toy import batch_of, examples, fit
from unite.config.schema import MAMCLConfig
from unite.objective import MAMCL
from unite.training.signals import EndedBySignal, status_of
from unite.training.stage_checkpoint import StageCheckpoint


class Sends(pl.Callback):
    """Sends signals to this process in a step, before it is computed."""

    def __init__(self, step, *numbers):
        self.step, self.numbers = step, numbers

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if batch_idx == self.step:
            for number in self.numbers:
                os.kill(os.getpid(), number)


def checkpoints(folder, every=100, keep=1):
    return StageCheckpoint(folder, every, keep_last=keep)


def train(folder, *callbacks):
    return fit([batch_of(examples(20)[start : start + 6]) for start in range(6)], MAMCL(MAMCLConfig(temperature=0.1)), list(callbacks))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2])
def test_the_step_is_finished_and_saved_and_the_status_tells_the_signal(tmp_path, number):
    before = signal.getsignal(number)
    with pytest.raises(EndedBySignal) as raised:
        train(tmp_path, Sends(2, number), checkpoints(tmp_path, every=2))
    assert raised.value.code == 128 + number
    assert [path.name for path in tmp_path.iterdir()] == ["step=3.ckpt"]  # in the place of that of step 2
    checkpoint = torch.load(tmp_path / "step=3.ckpt", weights_only=True)
    assert checkpoint["global_step"] == 3
    assert signal.getsignal(number) == before


def test_a_checkpoint_that_is_due_in_that_step_is_written_once(tmp_path):
    with pytest.raises(EndedBySignal):
        train(tmp_path, Sends(2, signal.SIGTERM), checkpoints(tmp_path, every=3, keep=2))
    assert [path.name for path in tmp_path.iterdir()] == ["step=3.ckpt"]


def test_a_second_signal_ends_the_run_at_once(tmp_path):
    with pytest.raises(EndedBySignal) as raised:
        train(tmp_path, Sends(2, signal.SIGTERM, signal.SIGTERM), checkpoints(tmp_path))
    assert raised.value.code == 143 and not list(tmp_path.iterdir())


def test_what_lightning_makes_of_signals_has_a_status_too():
    assert status_of(SIGTERMException()) == 143 and status_of(EndedBySignal(signal.SIGUSR1)) == 138
    try:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            sys.exit(1)
    except SystemExit as interrupted:
        assert status_of(interrupted) == 130
    assert status_of(SystemExit(1)) is None and status_of(OSError()) is None


def ends_of_rank(rank, folder):
    """Trains alone, but for the word of the other rank on whether a signal came."""
    mine = folder / f"of{rank}"
    with pytest.raises(EndedBySignal) as raised:
        train(mine, *([Sends(1, signal.SIGTERM)] if rank else []), checkpoints(mine))
    return raised.value.code, [path.name for path in mine.iterdir()]


def test_all_ranks_end_after_the_same_step_whichever_got_the_signal(tmp_path):
    assert in_ranks(ends_of_rank, 2, tmp_path, tmp_path) == [(143, ["step=2.ckpt"])] * 2
