import pytest
from hypothesis import given
from hypothesis import strategies as st

from unite.data.packing import padded_share, plan_micro_batches
from unite.errors import DataError


@given(st.lists(st.integers(1, 50), max_size=60), st.integers(50, 200))
def test_every_content_once_and_within_the_budget(lengths, budget):
    plan = plan_micro_batches(lengths, budget)
    assert sorted(at for group in plan for at in group) == list(range(len(lengths)))
    assert all(len(group) * max(lengths[at] for at in group) <= budget for group in plan)


def test_equal_lengths_are_not_padded():
    lengths = [10, 3] * 8
    plan = plan_micro_batches(lengths, 80)
    assert plan == [[0, 2, 4, 6, 8, 10, 12, 14], [1, 3, 5, 7, 9, 11, 13, 15]]
    assert padded_share(plan, lengths) == 0.0
    assert padded_share([[0, 1]], [10, 5]) == pytest.approx(0.25)


def test_a_content_larger_than_the_budget_is_named():
    with pytest.raises(DataError, match=r"at most data.token_budget \(16\) tokens long, but is '99 tokens \(a long film\)'.*pixel cap"):
        plan_micro_batches([3, 99], 16, ["short", "a long film"])
