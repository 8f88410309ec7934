import json
from types import SimpleNamespace

import pytest

from tests.training.toy import batch_of, examples
from unite.errors import ConfigError, TrainingError
from unite.training.skipped_samples import SkippedSamples


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
