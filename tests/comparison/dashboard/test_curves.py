import pytest

from tests.comparison.dashboard.material import row, write_log
from unite.comparison.dashboard.curves import curves_of, num_points
from unite.tracking.run_log import read_log


@pytest.fixture
def log(tmp_path):
    rows = [row(step, **({"train/source/a/loss": float(step)} if step % 20 else {})) for step in range(10, 410, 10)]
    rows[19] |= {"validation/loss": 1.23456, "validation/score": 0.5}
    rows[39] |= {"validation/loss": 1.0, "validation/score": 0.75}
    write_log(tmp_path, rows)
    return read_log(tmp_path, ["adaptation"], 32)


def test_a_few_rows_are_drawn_as_they_are(log):
    often, rare = curves_of(log, 100)["adaptation"]
    assert often["step"] == list(range(10, 410, 10))
    assert often["samples"][-1] == 12800
    assert often["values"]["train/loss"][:2] == [2.9, 2.8]
    assert often["values"]["train/source/a/loss"][:3] == [10, None, 30]  # a gap where the source did not come
    assert rare["step"] == [200, 400]
    assert rare["values"] == {"validation/loss": [1.235, 1], "validation/score": [0.5, 0.75]}


def test_many_rows_become_means_over_neighbours(log):
    often, rare = curves_of(log, 10)["adaptation"]
    assert often["step"] == [40, 80, 120, 160, 200, 240, 280, 320, 360, 400]
    assert often["values"]["train/loss"][0] == pytest.approx(sum((2.9, 2.8, 2.7, 2.6)) / 4)
    assert often["values"]["train/source/a/loss"][0] == 20  # of those that are there
    assert len(rare["step"]) == 2


def test_more_curves_have_fewer_points(log):
    assert num_points([log]) == 250
    assert 12 <= num_points([log] * 4000) < num_points([log] * 1000) < 250
