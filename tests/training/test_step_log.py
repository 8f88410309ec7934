"""The rows of the log of a toy stage that Lightning trains."""

import pytest
import torch

from tests.training.toy import batch_of, examples, fit
from unite.config.schema import MAMCLConfig
from unite.errors import ConfigError
from unite.objective import MAMCL
from unite.training.collapse_alarm import CollapseAlarm
from unite.training.embedding_health import EmbeddingHealth
from unite.training.step_log import StepLog, learning_rates


def batches(count=5):
    return [batch_of(examples(8 + at)) for at in range(count)]


def objective():
    return MAMCL(MAMCLConfig(temperature=0.1, learnable_temperature=True))


def test_a_rows_values_are_means_over_the_steps_since_the_last_row():
    each = fit(batches(), objective(), [StepLog(1, ["toy"])]).rows
    pairs = fit(batches(), objective(), [StepLog(2, ["toy"])]).rows
    assert (list(each), list(pairs)) == ([1, 2, 3, 4, 5], [2, 4, 5])  # the last steps are no whole window
    for name in ("train/loss", "train/gradient_norm"):
        assert pairs[4][name] == pytest.approx((each[3][name] + each[4][name]) / 2)
        assert pairs[5][name] == pytest.approx(each[5][name])
    # Terms count alike: the fourth batch, of 11 rows, more than the third, of 10.
    expected = (10 * each[3]["train/source/toy/loss"] + 11 * each[4]["train/source/toy/loss"]) / 21
    assert pairs[4]["train/source/toy/loss"] == pairs[4]["train/loss/text-to-text"] == pytest.approx(expected)
    assert pairs[4]["train/temperature"] == each[4]["train/temperature"]
    assert pairs[4]["throughput/samples_per_second"] > 0 and pairs[4]["source_epochs/toy"] == 4
    assert 0 <= pairs[4]["throughput/padded_share"] < 1


def test_the_learning_rate_is_the_one_that_the_step_was_taken_with():
    rows = fit(batches(4), objective(), [StepLog(1, ["toy"])], lr=0.1, warmup_ratio=0.5, final_lr_ratio=0.0).rows
    # Warm-up: steps 1 and 2 of 2 + 1; then the cosine from its top to its middle.
    assert [rows[step]["train/learning_rate"] for step in (1, 2, 3, 4)] == pytest.approx([0.1 / 3, 0.2 / 3, 0.1, 0.05])


def test_each_group_of_parameters_has_its_rate():
    first, second = (torch.nn.Parameter(torch.zeros(1)) for _ in range(2))
    groups = [{"params": [first], "lr": 0.1, "name": "muon"}, {"params": [second], "lr": 0.2}]
    expected = {"train/learning_rate": 0.1, "train/learning_rate/muon": 0.1, "train/learning_rate/1": 0.2}
    assert learning_rates(torch.optim.SGD(groups)) == expected


def test_training_is_the_same_with_and_without_the_log():
    watched = fit(batches(), objective(), [StepLog(2, ["toy"]), EmbeddingHealth(2), CollapseAlarm(0.0, 0, 2)])
    alone = fit(batches(), objective(), [])
    for name, value in alone.module.state_dict().items():
        assert torch.equal(watched.module.state_dict()[name], value), name


def test_an_epoch_that_ends_before_the_steps_asked_for_is_logged_to_its_end():
    assert list(fit(batches(3), objective(), [StepLog(2, ["toy"])], max_steps=100).rows) == [2, 3]


def test_the_interval_must_be_positive():
    with pytest.raises(ConfigError, match="trainer.log_every_n_steps must be at least 1, but is 0"):
        StepLog(0, ["toy"])
