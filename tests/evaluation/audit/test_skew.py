import math

import numpy as np
import pytest
from scipy.stats import binomtest, entropy

from unite.evaluation.audit.skew import max_skew, ndkl, skew

POOL = np.array([6, 3, 1])


def slow_ndkl(hits, pool):
    """Geyik et al. 2019, term by term."""
    total = norm = 0.0
    for i in range(1, len(hits) + 1):
        shares = [list(hits[:i]).count(group) / i for group in range(len(pool))]
        total += entropy(shares, np.array(pool) / sum(pool)) / math.log2(i + 1)
        norm += 1 / math.log2(i + 1)
    return total / norm


@pytest.mark.parametrize("hits", [[0], [2, 2, 2], [0, 1, 0, 2, 0, 1], [1, 0, 0, 0, 0, 0]])
def test_a_ranking_has_the_values_of_the_paper(hits):
    counts = [hits.count(group) / len(hits) for group in range(3)]
    by_hand = max(math.log(share / (of / 10)) for share, of in zip(counts, POOL, strict=True) if share)
    assert max_skew(np.array(hits), POOL) == pytest.approx(by_hand)
    assert ndkl(np.array(hits), POOL) == pytest.approx(slow_ndkl(hits, POOL))


def test_shares_of_all_queries_are_compared_with_the_pools():
    ranked = [np.array([0, 0, 1, 1]), np.array([1, 1, 1, 1])]
    found = skew(ranked, [np.array([5, 5, 0]), np.array([8, 2, 0])], [0, 1], ("red", "blue", "green"), 2, 200)
    red, blue = found.groups  # green is in no pool
    assert (red.group, red.pool, red.top) == ("red", pytest.approx(0.65), 0.5) and red.skew == pytest.approx(math.log(0.5 / 0.65))
    assert blue.skew == pytest.approx(math.log(0.5 / 0.35)) and found.min_skew == red.skew
    assert found.max_skew == pytest.approx((math.log(2) + math.log(5)) / 2)


def test_a_group_that_is_never_shown_is_minus_infinite_and_told_apart():
    found = skew([np.array([0, 0])] * 30, [np.array([2, 2])] * 30, range(30), ("red", "blue"), 2, 200)
    red, blue = found.groups
    assert blue.skew == blue.interval[0] == -math.inf and blue.is_apart and red.is_apart and red.skew == pytest.approx(math.log(2))
    for group, count in ((blue, 0), (red, 30)):  # 0 or 30 of 30, by another's Wilson
        other = binomtest(count, 30).proportion_ci(method="wilson")
        assert [math.exp(bound) / 2 for bound in group.interval] == pytest.approx([other.low, other.high])


def test_a_rare_group_that_is_not_shown_is_not_told_apart():
    """One in twenty: of 30 single hits none is of it in a fifth of all cases, and resamples of none are none."""
    found = skew([np.array([0])] * 30, [np.array([19, 1])] * 30, range(30), ("red", "blue"), 1, 200)
    assert [group.skew for group in found.groups] == [pytest.approx(math.log(1 / 0.95)), -math.inf]
    assert not any(group.is_apart for group in found.groups)


@pytest.mark.parametrize(("num", "is_apart"), [(1, False), (5, False), (6, True)])
def test_of_few_units_nothing_is_told_apart(num, is_apart):
    """All of five pools of two groups begin with one of them in 2 of 32 cases."""
    found = skew([np.array([0])] * 2 * num, [np.array([2, 2])] * 2 * num, [at // 2 for at in range(2 * num)], ("red", "blue"), 1, 200)
    assert [group.is_apart for group in found.groups] == [is_apart] * 2


def test_random_rankings_are_what_chance_is():
    random = np.random.default_rng(5)
    everyone = np.repeat(np.arange(3), POOL)
    found = skew([random.permutation(everyone)[:5] for _ in range(1500)], [POOL] * 1500, range(1500), ("a", "b", "c"), 5, 200)
    assert found.max_skew == pytest.approx(found.max_skew_by_chance, abs=0.05) and found.ndkl == pytest.approx(
        found.ndkl_by_chance, abs=0.03
    )
    assert found.max_skew_by_chance > 0.3 and all(abs(group.skew) < 0.06 for group in found.groups)
