"""Checkpoints by steps and by a clock that the test sets, and what a checkpoint of another kind of run is told."""

from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch

from tests.training.ranks import in_ranks
from tests.training.toy import Batches, batch_of, examples, fit, seeded_encoder
from unite.config.schema import AdamWConfig, MAMCLConfig
from unite.errors import CheckpointError
from unite.objective import MAMCL
from unite.training.adamw import AdamWCosine
from unite.training.module import UniteModule
from unite.training.stage_checkpoint import StageCheckpoint


class Steps(pl.Callback):
    """Has each step take so many seconds of the clock."""

    def __init__(self, monkeypatch, seconds):
        self.now, self.seconds = 0.0, seconds
        monkeypatch.setattr("unite.training.stage_checkpoint.time", SimpleNamespace(monotonic=lambda: self.now))

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.now += self.seconds[batch_idx]


def train(*callbacks):
    batches = [batch_of(examples(20)[start : start + 6]) for start in range(6)]
    return fit(batches, MAMCL(MAMCLConfig(temperature=0.1)), list(callbacks))


def steps_in(folder):
    return sorted(int(path.stem.removeprefix("step=")) for path in folder.glob("*.ckpt"))


@pytest.mark.parametrize(
    ("every_n_steps", "every_n_minutes", "seconds", "written"),
    [
        (4, 0, [1000] * 6, [4]),  # by steps alone
        (100, 1, [30] * 6, [2, 4, 6]),
        (100, 1, [10, 70, 10, 10, 70, 10], [2, 5]),
        (3, 1, [50] * 6, [2, 3, 5, 6]),  # the clock begins again with every checkpoint
        (2, 1, [60] * 6, [1, 2, 3, 4, 5, 6]),  # both due at once: one
    ],
)
def test_a_checkpoint_every_so_many_steps_and_minutes(tmp_path, monkeypatch, every_n_steps, every_n_minutes, seconds, written):
    train(Steps(monkeypatch, seconds), StageCheckpoint(tmp_path, every_n_steps, every_n_minutes, keep_last=10))
    assert steps_in(tmp_path) == written


def test_only_the_last_ones_stay_whatever_they_were_written_for(tmp_path, monkeypatch):
    train(Steps(monkeypatch, [30] * 6), StageCheckpoint(tmp_path, 3, 1, keep_last=2))
    assert steps_in(tmp_path) == [5, 6]  # of 2, 3, 5 and 6


def written_by_rank(rank, folder):
    """The ranks' clocks differ: only that of the second says that a minute is over."""
    seconds = iter(range(0, 10_000, 45 if rank else 1))
    checkpoint = StageCheckpoint(folder / f"of{rank}", 100, 1, keep_last=10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unite.training.stage_checkpoint.time", SimpleNamespace(monotonic=lambda: next(seconds)))
        train(checkpoint)
    return steps_in(folder / f"of{rank}")


def test_all_ranks_write_at_the_same_steps_whatever_their_clocks_say(tmp_path):
    first, second = in_ranks(written_by_rank, 2, tmp_path, tmp_path)
    assert first == second and first


@pytest.mark.parametrize(
    ("made_by", "message"),
    [
        ({"num_processes": 2, "precision": "32-true"}, r"trainer.devices x trainer.num_nodes of the resumed run must be 2, .* but is 1"),
        ({"num_processes": 1, "precision": "bf16-mixed"}, "trainer.precision of the resumed run must be bf16-mixed, .* but is '32-true'"),
    ],
)
def test_a_checkpoint_of_another_world_size_or_precision_is_refused(tmp_path, made_by, message):
    train(StageCheckpoint(tmp_path, 3, keep_last=2))
    path = tmp_path / "step=3.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    assert checkpoint["unite"] == {"num_processes": 1, "precision": "32-true"}
    torch.save({**checkpoint, "unite": made_by}, path)
    with pytest.raises(CheckpointError, match=message):
        resumed(path)
    del checkpoint["unite"]  # of before it was written down
    torch.save(checkpoint, path)
    assert resumed(path).global_step == 6


def resumed(path):
    batches = [batch_of(examples(20)[start : start + 6]) for start in range(6)]
    module = UniteModule(seeded_encoder(), MAMCL(MAMCLConfig(temperature=0.1)), AdamWCosine(AdamWConfig()), 6, 10_000)
    checkpoint = StageCheckpoint(path.parent, 3, keep_last=2)
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = pl.Trainer(accelerator="cpu", max_steps=6, max_epochs=1, callbacks=[checkpoint], **quiet)
    trainer.fit(module, datamodule=Batches(batches), ckpt_path=path, weights_only=True)
    return trainer
