import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.retrieval.material import apart, by_full_sort, whole_numbers
from unite.errors import DataError
from unite.retrieval.topk import search


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


@settings(deadline=None, max_examples=40)
@given(num_candidates=st.integers(1, 40), candidate_chunk=st.integers(1, 45), seed=st.integers(0, 10_000), data=st.data())
def test_of_some_candidates_it_finds_what_it_finds_without_the_others(num_candidates, candidate_chunk, seed, data):
    allowed = torch.tensor(data.draw(st.lists(st.booleans(), min_size=num_candidates, max_size=num_candidates)))
    queries, candidates = whole_numbers(3, seed), whole_numbers(num_candidates, seed + 1)
    scores, indices = search(queries, candidates, num_candidates, candidate_chunk=candidate_chunk, allowed=allowed)
    num, places = int(allowed.sum()), allowed.nonzero().flatten()
    assert (scores[:, num:] == -torch.inf).all()
    if num:
        expected = search(queries, candidates[allowed], num)
        assert torch.equal(scores[:, :num], expected[0]) and torch.equal(indices[:, :num], places[expected[1]])


def test_allowed_is_one_of_each_candidate():
    for allowed in (torch.ones(2, dtype=torch.bool), torch.ones(3)):
        with pytest.raises(DataError, match=r"allowed must be torch.bool of shape \(3,\), one of each candidate, but is "):
            search(torch.ones(2, 4), torch.ones(3, 4), 1, allowed=allowed)


def test_all_equal_candidates_come_in_the_order_of_their_index():
    _, indices = search(torch.ones(3, 8), torch.ones(1000, 8), 7, candidate_chunk=64)
    assert indices.tolist() == [list(range(7))] * 3


def test_half_precision_embeddings_are_scored_in_float32():
    generator = torch.Generator().manual_seed(0)
    queries = torch.nn.functional.normalize(torch.randn(5, 64, generator=generator), dim=1).bfloat16()
    candidates = torch.nn.functional.normalize(torch.randn(50, 64, generator=generator), dim=1).bfloat16()
    scores, _ = search(queries, candidates, 50)
    np.testing.assert_allclose(scores.numpy(), by_full_sort(queries, candidates)[0], atol=1e-6)


@pytest.mark.parametrize("num_queries", [1, 3, 70])
def test_equal_embeddings_have_equal_scores_wherever_they_stand(num_queries):
    queries, kinds = apart(num_queries, 1), apart(3, 2)
    place = torch.arange(1003) % 3
    scores, indices = search(queries, kinds[place], 2000, candidate_chunk=97)
    best_first = (queries.double() @ kinds.double().T).argsort(dim=1, descending=True)
    expected = [[row for kind in order for row in range(1003) if row % 3 == kind] for order in best_first.tolist()]
    assert indices.tolist() == expected  # and a k above the number of candidates gives all of them
    assert all(len(set(row)) == 3 for row in scores.tolist())


def test_no_queries_give_no_hits():
    scores, indices = search(torch.ones(0, 4), torch.ones(3, 4), 2)
    assert scores.shape == indices.shape == (0, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((torch.ones(2, 4), torch.ones(3, 4), 0), r"k and the number of candidates must be at least 1, but is \(0, 3\)"),
        ((torch.ones(2, 4), torch.ones(0, 4), 1), r"k and the number of candidates must be at least 1, but is \(1, 0\)"),
        ((torch.ones(2, 4), torch.ones(3, 5), 1), r"same D, but is '\(2, 4\) and \(3, 5\)'"),
        ((torch.ones(2, 4), torch.tensor([[1.0, 2, 3, 4], [1, torch.nan, 3, 4]]), 1), r"candidates must be finite.*1 rows, first \[1\]"),
        ((torch.full((2, 4), torch.inf), torch.ones(3, 4), 1), "queries must be finite"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(DataError, match=message):
        search(*arguments)
