import numpy as np
import pytest
from scipy import stats

from tests.comparison.dashboard.material import write_job
from unite.comparison.dashboard.gather import Gathering
from unite.comparison.dashboard.seeds import interval, markdown_table, over_seeds


@pytest.mark.parametrize("number", [2, 3, 5, 20])
def test_the_interval_equals_scipys(number):
    values = np.random.default_rng(number).random(number)
    mean, half = interval(values.tolist())
    low, high = stats.t.interval(0.95, number - 1, loc=values.mean(), scale=stats.sem(values))
    assert (mean - half, mean + half) == pytest.approx((low, high), rel=1e-3)
    assert interval([0.5]) == (0.5, None)


def test_seeds_of_one_recipe_are_one_row(tmp_path):
    for number, (share, seed) in enumerate([(0.2, 0), (0.2, 1), (0.2, 2), (0.8, 0)]):
        write_job(tmp_path / str(number), share, seed=seed, score=share + 0.05 * seed, num=200)
    runs = Gathering([str(tmp_path)]).read().runs
    best, other = over_seeds(runs)
    assert (best.mixture, best.num_seeds, best.half_width) == ("share_0.8", 1, None)
    assert (other.mixture, other.num_seeds) == ("share_0.2", 3)
    assert other.mean == pytest.approx(np.mean([run.scores["emoji"] for run in runs[:3]]))
    assert "| emoji | share_0.8 | mamcl | 1 |" in markdown_table([best, other])
    assert "one seed |" in markdown_table([best, other])
