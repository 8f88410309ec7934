import logging
import math
from types import SimpleNamespace

import torch

from unite.training.collapse_alarm import CollapseAlarm


def outputs(loss, num_negatives=31):
    """What the module returns of a step."""
    objective = SimpleNamespace(metrics={"num_negatives": torch.tensor(float(num_negatives))})
    return {"step": SimpleNamespace(loss=torch.tensor(loss), objective=objective)}


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


def test_steps_without_a_negative_are_not_judged():
    alarm = CollapseAlarm(0.0, 0, 2)
    collapsed = []
    for loss, num_negatives in [(0.0, 0), (0.0, 0), (0.1, 31), (0.0, 0), (math.log(32), 31), (0.0, 0)]:
        alarm.on_train_batch_end(None, None, outputs(loss, num_negatives), None, 0)
        collapsed.append(alarm.collapsed)
    assert collapsed == [False, False, False, False, False, True]


def test_the_alarm_comes_within_a_minute_as_it_is_by_default(monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("unite.training.collapse_alarm.time.monotonic", lambda: clock.now)
    alarm = CollapseAlarm()
    alarm.on_train_start(None, None)
    for _ in range(200):
        clock.now += 0.3
        alarm.on_train_batch_end(None, None, outputs(math.log1p(31)), None, 0)
    assert alarm.collapsed
