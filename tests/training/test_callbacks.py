import json
import logging
import math
from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch

from tests.training.toy import batch_of, examples
from unite.errors import ConfigError, NonFiniteLossError, TrainingError
from unite.training.callbacks import CollapseAlarm, FailedBatch, SkippedSamples


def outputs(loss, num_negatives=31):
    return {"loss": torch.tensor(loss), "num_negatives": torch.tensor(float(num_negatives))}


def run_alarm(losses, after_seconds=0.0, window=5):
    alarm = CollapseAlarm(after_seconds, 0, window)
    alarm.on_train_start(None, None)
    for loss in losses:
        alarm.on_train_batch_end(None, None, outputs(loss), None, 0)
    return alarm


def test_a_loss_at_the_logarithm_of_the_pool_is_said_aloud_once(caplog):
    with caplog.at_level(logging.WARNING):
        alarm = run_alarm([math.log(32)] * 50)
    assert alarm.collapsed
    (record,) = [record for record in caplog.records if "COLLAPSED" in record.message]
    assert "logarithm of the pool" in record.message and "lower optimizer.lr" in record.message


def test_a_run_that_learns_is_left_in_peace(caplog):
    with caplog.at_level(logging.WARNING):
        assert not run_alarm([0.8 * math.log(32)] * 50).collapsed
        assert not run_alarm([math.log(32)] * 50, after_seconds=1000).collapsed  # too early to judge
        assert not run_alarm([math.log(32)] * 4).collapsed
    assert not caplog.records


def test_the_alarm_comes_within_a_minute_as_it_is_by_default(monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("unite.training.callbacks.time.monotonic", lambda: clock.now)
    alarm = CollapseAlarm()
    alarm.on_train_start(None, None)
    outputs = {"loss": math.log1p(31), "num_negatives": 31.0}
    for _ in range(200):
        clock.now += 0.3
        alarm.on_train_batch_end(None, None, outputs, None, 0)
    assert alarm.collapsed


def skipped_batch(rows, skipped):
    batch = batch_of(examples(rows))
    batch.skipped = [(f"source/shard/{at}", "the image cannot be decoded") for at in range(skipped)]
    return batch


def feed(callback, batch):
    callback.on_train_batch_start(SimpleNamespace(), None, batch, 0)


def test_unreadable_samples_are_counted_and_named(tmp_path, caplog):
    callback = SkippedSamples(tmp_path / "skipped.jsonl", 0.05)
    feed(callback, skipped_batch(20, 1))
    feed(callback, skipped_batch(20, 0))
    assert (callback.num_skipped, callback.num_seen) == (1, 41)
    assert json.loads((tmp_path / "skipped.jsonl").read_text()) == {"key": "source/shard/0", "reason": "the image cannot be decoded"}
    assert "skipped a sample (1 of 21 so far): the image cannot be decoded" in caplog.text
    again = SkippedSamples(tmp_path / "skipped.jsonl", 0.05)
    again.load_state_dict(callback.state_dict())
    assert (again.num_skipped, again.num_seen) == (1, 41)


def test_too_many_are_fatal(tmp_path):
    callback = SkippedSamples(tmp_path / "skipped.jsonl", 0.05)
    for _ in range(9):
        feed(callback, skipped_batch(10, 0))
    with pytest.raises(
        TrainingError, match=r"share of unreadable samples must be at most 5.0% \(data.max_skipped_share\), but is '9.1% \(10 of 110"
    ):
        feed(callback, skipped_batch(10, 10))


def test_a_batch_of_which_nothing_can_be_read_is_fatal_at_once(tmp_path):
    with pytest.raises(TrainingError, match="100.0%.*cannot be decoded.*Mend or remove them"):
        feed(SkippedSamples(tmp_path / "skipped.jsonl", 0.5), skipped_batch(0, 4))


def test_the_bound_must_be_a_share(tmp_path):
    with pytest.raises(ConfigError, match="data.max_skipped_share must be from 0 to 1, but is 5"):
        SkippedSamples(tmp_path / "skipped.jsonl", 5)


class Diverges(pl.LightningModule):
    def training_step(self, batch, batch_idx):
        raise NonFiniteLossError(math.inf, ["source/shard/0", "source/shard/1"])

    def configure_optimizers(self):
        return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))])


def test_the_samples_of_a_batch_whose_loss_is_not_finite_are_saved(tmp_path, caplog):
    trainer = pl.Trainer(
        accelerator="cpu",
        callbacks=[FailedBatch(tmp_path)],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    with pytest.raises(NonFiniteLossError, match="must be finite, but is inf"):
        trainer.fit(Diverges(), torch.utils.data.DataLoader([0, 1]))
    saved = json.loads((tmp_path / "failed_batch-rank0.json").read_text())
    assert saved["keys"] == ["source/shard/0", "source/shard/1"] and saved["step"] == 0
    assert f"named in {tmp_path / 'failed_batch-rank0.json'}" in caplog.text
