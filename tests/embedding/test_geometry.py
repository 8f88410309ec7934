import math

import pytest
import torch

from unite.embedding.geometry import alignment, effective_rank, hit_modalities, linear_cka, modality_gap, uniformity
from unite.errors import DataError


def unit(rows, seed, dim=8):
    return torch.nn.functional.normalize(torch.randn(rows, dim, generator=torch.Generator().manual_seed(seed)), dim=1)


def test_the_gap_is_the_distance_of_the_centres():
    first = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert modality_gap(first, torch.tensor([[1.0, 0.0]])) == pytest.approx(math.sqrt(0.5))
    assert modality_gap(first, first.flip(0)) == 0


@pytest.mark.parametrize("alpha", [1.0, 2.0])
def test_alignment_equals_a_loop(alpha):
    first, second = unit(7, 0), unit(7, 1)
    expected = sum(math.dist(a, b) ** alpha for a, b in zip(first.tolist(), second.tolist(), strict=True)) / 7
    assert alignment(first, second, alpha) == pytest.approx(expected)
    with pytest.raises(DataError, match=r"the pairs must be two matrices of one shape, but is '\(7, 8\) and \(3, 8\)'"):
        alignment(first, second[:3])


@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_uniformity_equals_a_loop_over_pairs(chunk):
    rows = unit(9, 2)
    pairs = [(a, b) for at, a in enumerate(rows.tolist()) for b in rows.tolist()[:at]]
    expected = math.log(sum(math.exp(-2 * math.dist(a, b) ** 2) for a, b in pairs) / len(pairs))
    assert uniformity(rows, chunk=chunk) == pytest.approx(expected)


def test_collapsed_embeddings_have_uniformity_zero_and_one_row_has_none():
    assert uniformity(unit(1, 0).expand(5, -1)) == pytest.approx(0, abs=1e-9)
    with pytest.raises(DataError, match="embeddings must be at least two rows, but is 1"):
        uniformity(unit(1, 0))


def test_the_effective_rank_of_known_matrices():
    assert effective_rank(unit(1, 0).expand(5, -1)) == pytest.approx(1, abs=1e-5)
    assert effective_rank(torch.eye(8)[:3]) == pytest.approx(3)
    assert effective_rank(torch.eye(4).repeat(5, 1)) == pytest.approx(4)
    # Singular values 3 and 1: the entropy of the shares 3/4 and 1/4.
    expected = math.exp(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))
    assert effective_rank(torch.tensor([[3.0, 0.0, 0.0], [0.0, 1.0, 0.0]])) == pytest.approx(expected)


@pytest.mark.parametrize("rows", [5, 8, 40])
def test_the_effective_rank_equals_that_of_a_singular_value_decomposition(rows):
    singular = torch.linalg.svdvals(unit(rows, 3).double()).tolist()
    shares = [value / sum(singular) for value in singular]
    assert effective_rank(unit(rows, 3)) == pytest.approx(math.exp(-sum(share * math.log(share) for share in shares)))


def test_cka_equals_its_definition_by_gram_matrices():
    """HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)) of K = XX', L = YY' (equations 3 and 4 of the paper), which the fast form never builds."""
    first, second = unit(12, 0, dim=5), unit(12, 1, dim=7)
    centring = torch.eye(12, dtype=torch.double) - 1 / 12

    def hsic(one, other):
        grams = [rows.double() @ rows.double().T for rows in (one, other)]
        return float(torch.trace(grams[0] @ centring @ grams[1] @ centring)) / 11**2

    expected = hsic(first, second) / math.sqrt(hsic(first, first) * hsic(second, second))
    assert linear_cka(first, second) == pytest.approx(expected) == linear_cka(second, first)
    assert 0.1 < expected < 0.9


def test_cka_sees_no_rotation_scale_or_shift():
    rows = unit(20, 2)
    rotation, _ = torch.linalg.qr(torch.randn(8, 8, generator=torch.Generator().manual_seed(3)))
    assert linear_cka(rows, 3 * rows @ rotation + 1) == pytest.approx(1, abs=1e-5)
    assert linear_cka(torch.tensor([[1.0], [-1.0], [1.0], [-1.0]]), torch.tensor([[1.0], [1.0], [-1.0], [-1.0]])) == 0
    with pytest.raises(DataError, match="the contents must be as many for both encoders, but is '20 and 5'"):
        linear_cka(rows, rows[:5])
    with pytest.raises(DataError, match="must be of different contents, not all equal"):
        linear_cka(rows, torch.ones(20, 3))


def test_modalities_of_the_hits_by_hand():
    queries = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    candidates = torch.tensor([[0.9, 0.0], [0.8, 0.0], [0.0, 0.9], [0.0, 0.8]])
    assert hit_modalities(queries, candidates, torch.tensor([1, 2, 2, 3]), k=2).tolist() == [[1, 2], [2, 3]]


def test_a_query_is_no_hit_of_its_own():
    queries, candidates, modality = unit(6, 3), unit(20, 4), torch.arange(20) % 3
    candidates[[4, 9]] = queries[[0, 5]]
    itself = torch.tensor([4, -1, -1, -1, -1, 9])
    expected = []
    for row in range(6):  # by sorting what is left
        left = [at for at in range(20) if at != itself[row]]
        best = sorted(left, key=lambda at: -float(queries[row] @ candidates[at]))[:5]
        expected.append([int(modality[at]) for at in best])
    assert hit_modalities(queries, candidates, modality, k=5, itself=itself).tolist() == expected
    assert hit_modalities(queries, candidates, modality, k=5).tolist() != expected
