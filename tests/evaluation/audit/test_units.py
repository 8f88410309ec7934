import math

import numpy as np
import pytest
from scipy import stats

from unite.evaluation.audit.units import from_others, interval, joint_confidence, least_units, resample, share_interval


def slow_resamples(values, groups, units, num_groups, num, seed):
    """The cluster bootstrap with loops: draw units, put their observations together, take the means."""
    random = np.random.default_rng(seed)
    names = sorted(set(units))
    found = []
    for _ in range(num):
        drawn = [names[at] for at in random.integers(len(names), size=len(names))]
        picked = [at for name in drawn for at in range(len(values)) if units[at] == name]
        found.append([np.mean([values[at] for at in picked if groups[at] == group] or [math.nan]) for group in range(num_groups)])
    return np.array(found)


@pytest.fixture(scope="module")
def observed():
    random = np.random.default_rng(3)
    units, groups = np.repeat(np.arange(30), 4), np.tile([0, 1, 1, 2], 30)
    return (random.random(120) < 0.3 + 0.4 * (units % 5 > 1)).astype(float), groups, units


def test_means_intervals_and_differences_are_those_of_a_slow_bootstrap(observed):
    fast, slow = resample(*observed, 3, 4000), slow_resamples(*observed, 3, 1000, seed=1)
    for group in range(3):
        assert fast.values[group] == observed[0][observed[1] == group].mean()
        assert interval(fast.samples[:, group]) == pytest.approx(np.quantile(slow[:, group], [0.025, 0.975]), abs=0.03)
        both = [from_others(samples, group) for samples in (fast.samples, slow)]
        assert both[0].std() == pytest.approx(both[1].std(), rel=0.1)
    assert fast.num_units == (30, 30, 30) and fast.num_shared == 30


def test_alone_each_observation_gives_the_bootstrap_of_scipy():
    values = np.random.default_rng(0).normal(size=200)
    found = resample(values, np.zeros(200, dtype=int), np.arange(200), 1, 4000)
    known = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=4000, rng=np.random.default_rng(1)).confidence_interval
    assert interval(found.samples[:, 0]) == pytest.approx((known.low, known.high), abs=0.02)


def test_what_units_share_drops_out_of_a_difference():
    units, groups = np.repeat(np.arange(20), 2), np.tile([0, 1], 20)
    values = np.random.default_rng(0).random(20)[units] + 0.1 * groups  # units differ much, groups always by the same
    found = resample(values, groups, units, 2, 500)
    assert interval(from_others(found.samples, 1)) == pytest.approx((0.1, 0.1)) and np.ptp(interval(found.samples[:, 1])) > 0.1


def test_a_group_that_a_resample_lacks_is_left_out_of_its_interval():
    found = resample(np.array([1.0, 0.0, 0.0, 0.0]), np.array([0, 1, 1, 1]), np.arange(4), 2, 200)
    assert np.isnan(found.samples[:, 0]).any() and interval(found.samples[:, 0]) == (1.0, 1.0)


def test_all_right_is_as_certain_as_there_are_units():
    found = resample(np.ones(40), np.zeros(40, dtype=int), np.repeat(np.arange(10), 4), 1, 100)
    known = stats.binomtest(10, 10).proportion_ci(method="wilson")
    assert share_interval(found, 0) == pytest.approx((known.low, known.high))


def test_others_and_the_confidence_for_all():
    assert from_others(np.array([0.5, 0.2, 0.4]), 0) == pytest.approx(0.2)
    assert [joint_confidence(num) for num in (2, 5)] == pytest.approx([0.95, 0.99])


def test_infinite_values_stay_infinite():
    assert interval(np.array([-math.inf] * 10 + [0.0] * 90)) == (-math.inf, 0.0)


@pytest.mark.parametrize("num_groups", [2, 3, 5, 12])
def test_of_the_least_units_a_sign_test_can_tell_and_of_one_less_it_cannot(num_groups):
    error, least = 1 - joint_confidence(num_groups), least_units(num_groups)
    assert stats.binomtest(least, least).pvalue <= error < stats.binomtest(least - 1, least - 1).pvalue
