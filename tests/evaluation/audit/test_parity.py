import numpy as np
import pytest

from unite.evaluation.audit.labels import Attribute
from unite.evaluation.audit.parity import parity
from unite.evaluation.metrics import Judged

COLOUR = Attribute("colour", ("red", "blue"), {f"c{at}": at % 2 for at in range(40)})
UNIT = {f"c{at}": f"u{at // 2}" for at in range(41)}


def judged(ranks):
    """A query for each rank, whose one relevant candidate stands there."""
    return {f"q{at}": Judged((rank,), (1,)) for at, rank in enumerate(ranks)}, {f"q{at}": [f"c{at}"] for at in range(len(ranks))}


def test_recall_by_group_and_the_groups_that_differ():
    ranks = [1 if at % 2 == 0 or at < 8 else 7 for at in range(40)]  # red always, blue in four of twenty
    one, ten = parity(*judged(ranks), COLOUR, UNIT, (1, 10), 1000)
    red, blue = one.groups
    assert (red.value, blue.value, red.num, red.num_units) == (1.0, 0.2, 20, 20) and one.gap == 0.8
    assert red.difference == pytest.approx(0.8) and blue.difference == pytest.approx(-0.8)
    assert red.is_apart and blue.is_apart and blue.difference_interval[1] < 0 and one.num_shared == 20
    assert [group.value for group in ten.groups] == [1.0, 1.0] and not any(group.is_apart for group in ten.groups)


def test_what_is_drawn_alike_is_seldom_told_apart():
    random = np.random.default_rng(0)
    found = [parity(*judged(1 + (random.random(40) < 0.5)), COLOUR, UNIT, (1,), 400)[0].groups[0].is_apart for _ in range(60)]
    assert sum(found) <= 8  # 3 expected


@pytest.mark.parametrize(("num", "is_apart"), [(1, False), (5, False), (6, True)])
def test_of_few_units_nothing_is_told_apart(num, is_apart):
    """One group always found and the other never: of five units each, by chance in 2 of 32 cases."""
    (found,) = parity(*judged([1, 2] * num), COLOUR, UNIT, (1,), 200)
    assert [group.value for group in found.groups] == [1.0, 0.0] and found.num_shared == num
    assert [group.is_apart for group in found.groups] == [is_apart] * 2


def test_of_several_relevant_candidates_each_counts_and_one_without_label_does_not():
    (found,) = parity({"q": Judged((1, 2, 9, 3), (1,) * 4)}, {"q": ["c0", "c1", "c3", "c40"]}, COLOUR, UNIT, (2,), 100)
    assert [(group.num, group.value) for group in found.groups] == [(1, 1.0), (2, 0.5)]


def test_where_one_group_is_sought_there_is_nothing_to_compare():
    assert parity({"q": Judged((1,), (1,))}, {"q": ["c0"]}, COLOUR, UNIT, (1,), 100) == []
