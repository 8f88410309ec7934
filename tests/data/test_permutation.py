"""Every number once, in an order that looks like no other."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import chisquare

from unite.data import permutation as permutations
from unite.data.order import MixtureOrder, SourceSize
from unite.data.permutation import Feistel, permutation

KEYS = (3, 1 << 40, 7, 12345, 99, 1 << 62)


@pytest.mark.parametrize("num", [1, 2, 3, 5, 16, 17, 1000, 4097])
def test_every_number_comes_once(num):
    order = Feistel(num, KEYS)
    assert sorted(order[place] for place in range(num)) == list(range(num))


def test_a_short_one_is_numpy_s_own():
    expected = np.random.default_rng([4, 2]).permutation(1000)
    assert [permutation(1000, [4, 2])[place] for place in range(1000)] == expected.tolist()


def test_first_numbers_neighbours_and_other_seeds_look_like_chance(monkeypatch):
    monkeypatch.setattr(permutations, "LISTED", 10)
    num, drawn = 100_000, 20_000
    order = permutation(num, [0, 1])
    found = [order[place] for place in range(drawn)]
    assert chisquare(np.bincount(np.array(found) * 50 // num, minlength=50)).pvalue > 1e-3
    steps = np.array([(after - before) % num for before, after in pairwise(found)])
    assert chisquare(np.bincount(steps * 50 // num, minlength=50)).pvalue > 1e-3
    other = permutation(num, [0, 2])
    assert sum(other[place] == number for place, number in enumerate(found)) < 5  # by chance 0.2


def test_the_order_of_a_billion_rows_needs_no_list_of_them():
    tracemalloc.start()
    order = MixtureOrder({"large": SourceSize(10**9), "small": SourceSize(1000)}, {"large": 0.5, "small": 0.5}, batch_size=64)
    rows = [row for step in range(200) for source, row in order.batch(step) if source == "large"]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(set(rows)) == len(rows) == pytest.approx(6400, abs=2)
    assert max(rows) > 9 * 10**8 and min(rows) < 10**8
    assert peak < 50e6  # a list would take 8 GB; runs are counted a million at a time
    again = MixtureOrder({"large": SourceSize(10**9), "small": SourceSize(1000)}, {"large": 0.5, "small": 0.5}, batch_size=64)
    assert again.batch(150) == order.batch(150)
