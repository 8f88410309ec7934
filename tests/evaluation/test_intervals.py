import math

import numpy as np
import pytest
from scipy.stats import binomtest, bootstrap

from unite.errors import DataError
from unite.evaluation.intervals import bootstrap_interval, mean_interval, wilson_interval


def test_bootstrap_interval_is_seeded_and_near_the_normal_one():
    values = np.random.default_rng(0).random(2000)
    low, high = bootstrap_interval(values, seed=3)
    assert (low, high) == bootstrap_interval(values, seed=3)
    assert (low, high) != bootstrap_interval(values, seed=4)
    half_width = 1.96 * values.std() / math.sqrt(len(values))
    assert low == pytest.approx(values.mean() - half_width, abs=0.2 * half_width)
    assert high == pytest.approx(values.mean() + half_width, abs=0.2 * half_width)


def test_bootstrap_of_equal_values_has_no_width_and_of_none_is_an_error():
    assert bootstrap_interval([1.0] * 9) == (1.0, 1.0)
    for values in ([[]], [[1.0], []], [[[1.0]]], []):
        with pytest.raises(DataError, match="one number for each of at least one query"):
            bootstrap_interval(*values)
        with pytest.raises(DataError, match="at least one query"):
            mean_interval(*values)


@pytest.mark.parametrize("num", [1, 7, 256])
def test_all_right_and_all_wrong_have_wilson_s_interval_as_scipy_has_it(num):
    for right in {0, num // 2, num}:
        expected = binomtest(right, num).proportion_ci(0.95, method="wilson")
        assert wilson_interval(right / num, num) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert mean_interval([1.0] * num) == (pytest.approx(num / (num + 1.96**2), abs=1e-5), 1.0)
    assert mean_interval([0.0] * num) == (0.0, pytest.approx(1.96**2 / (num + 1.96**2), abs=1e-5))


def test_what_is_neither_has_the_bootstrap_s():
    for values in ([0.0, 1.0, 1.0], [0.5] * 4):
        assert mean_interval(values) == bootstrap_interval(values)


def test_the_interval_of_a_mean_over_tasks():
    random = np.random.default_rng(3)
    first, second = random.random(80), random.random(200)
    assert bootstrap_interval(first) == pytest.approx(
        tuple(bootstrap((first,), np.mean, method="percentile", rng=0).confidence_interval), abs=0.01
    )
    low, high = bootstrap_interval(first, second, num_resamples=4000)
    error = np.sqrt(first.var() / 80 + second.var() / 200) / 2
    middle = (first.mean() + second.mean()) / 2
    assert (low, high) == pytest.approx((middle - 1.96 * error, middle + 1.96 * error), abs=0.15 * error)


def test_tasks_that_are_all_right_are_as_uncertain_as_their_queries_are_few():
    low, high = mean_interval(np.ones(50), np.ones(50))
    assert high == 1 and low == pytest.approx(mean_interval([1.0] * 100)[0])  # equal tasks: as many queries as there are
    low, high = mean_interval(np.zeros(1000), np.zeros(10))
    assert low == 0 and mean_interval([0.0] * 40)[1] < high < mean_interval([0.0] * 39)[1]  # the small one weighs as much as the large
    values = [np.array([0.0, 1.0]), np.ones(5)]
    assert mean_interval(*values) == bootstrap_interval(*values)
