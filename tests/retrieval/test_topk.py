import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unite.errors import DataError
from unite.retrieval.ranks import ranks
from unite.retrieval.topk import search


def whole_numbers(rows: int, seed: int, values: int = 3, dim: int = 4) -> torch.Tensor:
    """Embeddings whose products are exact in float32, with many ties."""
    return torch.randint(-values, values + 1, (rows, dim), generator=torch.Generator().manual_seed(seed)).float()


def by_full_sort(queries: torch.Tensor, candidates: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Scores and order of every candidate by a plain NumPy sort: score descending, then index ascending."""
    scores = queries.double().numpy() @ candidates.double().numpy().T
    order = np.stack([np.lexsort((np.arange(scores.shape[1]), -row)) for row in scores])
    return np.take_along_axis(scores, order, axis=1), order


@settings(deadline=None, max_examples=60)
@given(
    num_queries=st.integers(1, 9),
    num_candidates=st.integers(1, 40),
    query_chunk=st.integers(1, 10),
    candidate_chunk=st.integers(1, 45),
    seed=st.integers(0, 10_000),
    data=st.data(),
)
def test_equals_a_full_sort_with_ties(num_queries, num_candidates, query_chunk, candidate_chunk, seed, data):
    k = data.draw(st.integers(1, num_candidates))
    queries, candidates = whole_numbers(num_queries, seed), whole_numbers(num_candidates, seed + 1)
    scores, indices = search(queries, candidates, k, query_chunk=query_chunk, candidate_chunk=candidate_chunk)
    expected_scores, expected_order = by_full_sort(queries, candidates)
    assert scores.dtype == torch.float32
    np.testing.assert_array_equal(scores.numpy(), expected_scores[:, :k])
    np.testing.assert_array_equal(indices.numpy(), expected_order[:, :k])


def test_all_equal_candidates_come_in_the_order_of_their_index():
    _, indices = search(torch.ones(3, 8), torch.ones(1000, 8), 7, candidate_chunk=64)
    assert indices.tolist() == [list(range(7))] * 3


def test_half_precision_embeddings_are_scored_in_float32():
    generator = torch.Generator().manual_seed(0)
    queries = torch.nn.functional.normalize(torch.randn(5, 64, generator=generator), dim=1).bfloat16()
    candidates = torch.nn.functional.normalize(torch.randn(50, 64, generator=generator), dim=1).bfloat16()
    scores, _ = search(queries, candidates, 50)
    np.testing.assert_allclose(scores.numpy(), by_full_sort(queries, candidates)[0], atol=1e-6)


def test_no_queries_give_no_hits():
    scores, indices = search(torch.ones(0, 4), torch.ones(3, 4), 2)
    assert scores.shape == indices.shape == (0, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((torch.ones(2, 4), torch.ones(3, 4), 4), r"k must be from 1 to the number of candidates \(3\), but is 4"),
        ((torch.ones(2, 4), torch.ones(3, 4), 0), "k must be from 1"),
        ((torch.ones(2, 4), torch.ones(3, 5), 1), r"same D, but is '\(2, 4\) and \(3, 5\)'"),
        ((torch.ones(2, 4), torch.tensor([[1.0, 2, 3, 4], [1, torch.nan, 3, 4]]), 1), r"candidates must be finite.*1 rows, first \[1\]"),
        ((torch.full((2, 4), torch.inf), torch.ones(3, 4), 1), "queries must be finite"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(DataError, match=message):
        search(*arguments)


@settings(deadline=None, max_examples=60)
@given(num_queries=st.integers(1, 6), num_candidates=st.integers(1, 30), elements=st.integers(1, 300), seed=st.integers(0, 10_000))
def test_ranks_are_places_in_a_full_sort(num_queries, num_candidates, elements, seed):
    queries, candidates = whole_numbers(num_queries, seed), whole_numbers(num_candidates, seed + 1)
    targets = torch.randint(-1, num_candidates, (num_queries, 3), generator=torch.Generator().manual_seed(seed))
    _, order = by_full_sort(queries, candidates)
    expected = [[0 if t < 0 else row.tolist().index(t) + 1 for t in wanted] for row, wanted in zip(order, targets.tolist(), strict=True)]
    assert ranks(queries, candidates, targets, max_elements=elements).tolist() == expected


@settings(deadline=None, max_examples=60)
@given(num_queries=st.integers(1, 6), num_candidates=st.integers(2, 30), elements=st.integers(1, 300), seed=st.integers(0, 10_000))
def test_ranks_in_a_pool_are_places_in_the_sorted_pool(num_queries, num_candidates, elements, seed):
    random = np.random.default_rng(seed)
    queries, candidates = whole_numbers(num_queries, seed), whole_numbers(num_candidates, seed + 1)
    sizes = random.integers(1, num_candidates + 1, num_queries)
    members = [random.permutation(num_candidates)[:size].tolist() for size in sizes]
    pools = torch.tensor([row + [-1] * (max(sizes) - len(row)) for row in members])
    targets = torch.tensor([[row[-1]] for row in members])
    _, order = by_full_sort(queries, candidates)
    expected = [[[at for at in row.tolist() if at in pool].index(pool[-1]) + 1] for row, pool in zip(order, members, strict=True)]
    assert ranks(queries, candidates, targets, pools, max_elements=elements).tolist() == expected


def test_a_target_outside_its_pool_is_named():
    with pytest.raises(DataError, match="target of query 1 must be in its pool"):
        ranks(torch.ones(2, 4), torch.ones(3, 4), torch.tensor([[0], [2]]), torch.tensor([[0, 1], [0, 1]]), max_elements=1)


def test_targets_that_are_no_candidates_are_refused():
    with pytest.raises(DataError, match=r"targets must be indices of the 3 candidates, or -1, but is '0 to 3'"):
        ranks(torch.ones(2, 4), torch.ones(3, 4), torch.tensor([[0], [3]]))
