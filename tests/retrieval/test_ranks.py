import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.retrieval.material import apart, by_full_sort, whole_numbers
from unite.errors import DataError
from unite.retrieval.ranks import ranks


@settings(deadline=None, max_examples=60)
@given(num_queries=st.integers(1, 6), num_candidates=st.integers(1, 60), elements=st.integers(1, 300), seed=st.integers(0, 10_000))
def test_ranks_are_places_in_a_full_sort(num_queries, num_candidates, elements, seed):
    queries, candidates = whole_numbers(num_queries, seed), whole_numbers(num_candidates, seed + 1)
    targets = torch.randint(-1, num_candidates, (num_queries, 3), generator=torch.Generator().manual_seed(seed))
    _, order = by_full_sort(queries, candidates)
    expected = [
        [0 if target < 0 else row.tolist().index(target) + 1 for target in wanted]
        for row, wanted in zip(order, targets.tolist(), strict=True)
    ]
    assert ranks(queries, candidates, targets, max_elements=elements).tolist() == expected


@settings(deadline=None, max_examples=60)
@given(num_queries=st.integers(1, 6), num_candidates=st.integers(2, 30), elements=st.integers(1, 300), seed=st.integers(0, 10_000))
def test_ranks_in_a_pool_are_places_in_the_pool_sorted_by_score_alone(num_queries, num_candidates, elements, seed):
    random = np.random.default_rng(seed)
    queries, candidates = whole_numbers(num_queries, seed), whole_numbers(num_candidates, seed + 1)
    sizes = random.integers(1, num_candidates + 1, num_queries)
    members = [random.permutation(num_candidates)[:size].tolist() for size in sizes]
    pools = torch.tensor([row + [-1] * (max(sizes) - len(row)) for row in members])
    targets = torch.tensor([[row[-1]] for row in members])
    scores = (queries @ candidates.T).tolist()
    # Python's sort keeps the pool's own order where scores are equal.
    expected = [[sorted(pool, key=lambda one, row=row: -row[one]).index(pool[-1]) + 1] for row, pool in zip(scores, members, strict=True)]
    assert ranks(queries, candidates, targets, pools, max_elements=elements).tolist() == expected


@pytest.mark.parametrize("num_queries", [1, 3, 70])
@pytest.mark.parametrize("pooled", [False, True])
def test_equal_embeddings_tie_wherever_they_stand(num_queries, pooled):
    queries, kinds, num = apart(num_queries, 1), apart(3, 2), 1003
    targets = torch.tensor([[0, 1, 2, 500, 1000, 1002]] * num_queries)
    pools = torch.arange(num).repeat(num_queries, 1) if pooled else None
    scores = (queries.double() @ kinds.double().T).tolist()
    expected = [
        [
            1 + sum(row[other % 3] > row[target % 3] or (other % 3 == target % 3 and other < target) for other in range(num))
            for target in wanted
        ]
        for row, wanted in zip(scores, targets.tolist(), strict=True)
    ]
    assert ranks(queries, kinds[torch.arange(num) % 3], targets, pools).tolist() == expected
    assert ranks(queries, kinds[torch.arange(num) % 3], targets, pools, max_elements=7000).tolist() == expected


def test_targets_whose_score_rounds_otherwise_in_its_block_are_ranked_by_that_one(monkeypatch):
    queries, candidates, targets = apart(5, 1), apart(200, 2), torch.tensor([[3, 199]] * 5)
    scores = queries.double() @ candidates.double().T
    expected = 1 + (scores[:, None] > scores[:, [3, 199], None]).sum(dim=2)
    otherwise = (scores[:, [3, 199]] + 0.1).float()
    monkeypatch.setattr("unite.retrieval.ranks.pair_products", lambda *_: otherwise)
    assert ranks(queries, candidates, targets).tolist() == expected.tolist()


def test_without_targets_or_candidates_there_are_no_ranks():
    assert ranks(torch.ones(2, 4), torch.ones(3, 4), torch.empty(2, 0, dtype=torch.int64)).shape == (2, 0)
    assert ranks(torch.ones(2, 4), torch.ones(0, 4), torch.tensor([[-1], [-1]])).tolist() == [[0], [0]]


def test_of_a_constant_encoder_every_candidate_stands_by_its_index():
    targets = torch.tensor([[0, 41, 98]]).expand(30, 3)
    assert ranks(torch.ones(30, 64) / 8, torch.ones(99, 64) / 8, targets, max_elements=200).tolist() == [[1, 42, 99]] * 30


def test_a_target_outside_its_pool_is_named():
    with pytest.raises(DataError, match="target of query 1 must be in its pool"):
        ranks(torch.ones(2, 4), torch.ones(3, 4), torch.tensor([[0], [2]]), torch.tensor([[0, 1], [0, 1]]), max_elements=1)


def test_targets_that_are_no_candidates_are_refused():
    with pytest.raises(DataError, match=r"targets must be indices of the 3 candidates, or -1, but is '0 to 3'"):
        ranks(torch.ones(2, 4), torch.ones(3, 4), torch.tensor([[0], [3]]))
