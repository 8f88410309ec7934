import pytest

from tests.comparison.dashboard.material import BATCH, SPEED, TOKENS, row, write_log
from unite.tracking.run_log import read_log

STAGES = ["alignment", "adaptation"]


def test_stages_are_told_apart_with_their_progress(tmp_path):
    write_log(tmp_path, [row(step, stage) for stage in STAGES for step in (10, 20, 30)])
    first, second = read_log(tmp_path, STAGES, BATCH)
    assert (first.name, list(first.rows)) == ("alignment", [10, 20, 30])
    assert (second.name, list(second.rows)) == ("adaptation", [10, 20, 30])
    assert second.rows[20]["train/loss"] == 2.8
    assert second.samples[20] == 20 * BATCH
    assert second.hours[30] == pytest.approx(30 * BATCH / SPEED / 3600)
    assert second.tokens[30] == pytest.approx(30 * BATCH / SPEED * TOKENS)


def test_rows_of_before_named_no_stage(tmp_path):
    write_log(tmp_path, [{key: value for key, value in row(step).items() if key != "stage"} for step in (10, 20, 10, 20, 30)])
    assert [(stage.name, list(stage.rows)) for stage in read_log(tmp_path, STAGES, 1)] == [
        ("alignment", [10, 20]),
        ("adaptation", [10, 20, 30]),
    ]


def test_a_resumed_run_has_every_step_once(tmp_path):
    """Broken off after 50, resumed from 30, then from 60: what was trained again counts as it was the last time."""
    write_log(
        tmp_path, [row(step, "alignment") for step in (10, 20)] + [row(step, **{"train/accuracy": 0.0}) for step in (10, 20, 30, 40, 50)]
    )
    write_log(tmp_path, [row(step, **{"train/accuracy": 1.0}) for step in (40, 50, 60, 70)], "log_2")
    write_log(tmp_path, [row(step, **{"train/accuracy": 2.0}) for step in (70, 80)], "log_10")
    alignment, adaptation = read_log(tmp_path, STAGES, BATCH)
    assert list(alignment.rows) == [10, 20]
    assert {step: values["train/accuracy"] for step, values in adaptation.rows.items()} == {
        10: 0,
        20: 0,
        30: 0,
        40: 1,
        50: 1,
        60: 1,
        70: 2,
        80: 2,
    }
    assert adaptation.hours[80] == pytest.approx(80 * BATCH / SPEED / 3600)


def test_a_run_that_goes_on_may_have_half_a_line(tmp_path):
    write_log(tmp_path, [row(10), row(20)])
    path = tmp_path / "log" / "metrics.csv"
    path.write_text(path.read_text() + "30,adaptation,2.")
    assert list(read_log(tmp_path, STAGES, 1)[0].rows) == [10, 20]


def test_rows_of_one_step_are_one_and_the_evaluation_is_no_step(tmp_path):
    rows = [row(10), {"step": 10, "stage": "adaptation", "validation/score": 0.5}, {"step": 3, "emoji/t2i/recall@1": 0.9}]
    write_log(tmp_path, rows)
    (stage,) = read_log(tmp_path, STAGES, 1)
    assert stage.rows == {10: {key: value for key, value in row(10).items() if "/" in key} | {"validation/score": 0.5}}


def test_no_log_is_no_stage(tmp_path):
    assert read_log(tmp_path, STAGES, 1) == []
