from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unite.batch import EncodedContent, index_tensor
from unite.data.packing import OVERHEAD, check_budget, padded_share, plan_micro_batches, shared_beginning
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


@given(st.lists(st.integers(1, 90), min_size=1, max_size=9), st.integers(90, 400))
def test_no_cut_of_the_sorted_contents_costs_less(lengths, budget):
    def cost(groups):
        return sum(len(group) * max(group) + OVERHEAD for group in groups)

    in_order = sorted(lengths, reverse=True)
    all_cuts = [
        [in_order[begin:end] for begin, end in zip((0, *cut), (*cut, len(in_order)), strict=True)]
        for count in range(len(in_order))
        for cut in combinations(range(1, len(in_order)), count)
    ]
    affordable = [groups for groups in all_cuts if all(len(group) * max(group) <= budget for group in groups)]
    plan = plan_micro_batches(lengths, budget)
    assert cost([[lengths[content] for content in group] for group in plan]) == min(map(cost, affordable))
    assert plan[0][0] == max(range(len(lengths)), key=lambda content: (lengths[content], -content))


@pytest.mark.parametrize(
    ("ids", "types", "expected"),
    [
        ([[7, 8, 1, 2], [7, 8, 3], [7, 8, 1, 4]], [[0] * 4, [0] * 3, [0] * 4], 2),
        ([[7, 8], [7, 8, 3]], [[0] * 2, [0] * 3], 1),  # each keeps a token of its own
        ([[7, 5, 5, 2], [7, 5, 5, 3]], [[0, 1, 1, 0]] * 2, 1),  # what a medium stands for is another medium's too
        ([[1, 2], [3, 2]], [[0] * 2] * 2, 0),
        ([[1], [1]], [[0]] * 2, 0),
    ],
)
def test_what_all_contents_begin_with(ids, types, expected):
    encoded = [
        EncodedContent(index_tensor(tokens), index_tensor(kinds), {"patches": index_tensor([0])} if any(kinds) else {})
        for tokens, kinds in zip(ids, types, strict=True)
    ]
    assert shared_beginning(encoded) == expected


def test_a_content_larger_than_the_budget_is_named():
    with pytest.raises(DataError, match=r"at most data.token_budget \(16\) tokens long, but is '99 tokens \(a long film\)'.*pixel cap"):
        check_budget(99, 16, "a long film")
    with pytest.raises(DataError, match=r"at most data.token_budget \(16\) tokens long, but is '99 tokens \(content 1\)'"):
        plan_micro_batches([3, 99], 16)
    check_budget(16, 16, "a long film")
