import numpy as np
import pytest
import torch
from scipy import stats

from unite.evaluation.audit.association import association, nearness

WORDS = (torch.randn(3, 6, generator=torch.Generator().manual_seed(1)), torch.randn(5, 6, generator=torch.Generator().manual_seed(2)))


def cosine(a, b):
    return float(a @ b / (a.norm() * b.norm()))


def made(shift, num=20):
    """Candidates of two groups, the first moved towards the first words."""
    rows = torch.randn(2 * num, 6, generator=torch.Generator().manual_seed(0))
    rows[:num] += shift * WORDS[0].mean(dim=0)
    return rows, [at < num for at in range(2 * num)]


def test_the_effect_is_the_formula_of_the_paper():
    rows, is_first = made(0.7)
    s = [np.mean([cosine(row, a) for a in WORDS[0]]) - np.mean([cosine(row, b) for b in WORDS[1]]) for row in rows]
    by_hand = (np.mean(s[:20]) - np.mean(s[20:])) / np.std(s, ddof=1)
    found = association(rows, is_first, range(40), WORDS, 500)
    assert found.effect == pytest.approx(by_hand, abs=1e-6) and found.interval[0] < by_hand < found.interval[1]
    assert nearness(rows, WORDS) == pytest.approx(np.array(s), abs=1e-6)
    assert (found.num, found.num_units, found.is_paired) == ((20, 20), 40, False)


@pytest.mark.parametrize("shift", [0.0, 0.3, 0.5])
def test_p_is_that_of_scipy(shift):
    rows, is_first = made(shift)
    s = nearness(rows, WORDS)
    known = stats.permutation_test((s[:20], s[20:]), lambda x, y: x.mean() - y.mean(), n_resamples=4999, rng=np.random.default_rng(1))
    assert association(rows, is_first, range(40), WORDS, 100).p == pytest.approx(known.pvalue, abs=0.02)
    paired = stats.permutation_test(
        (s[:20], s[20:]), lambda x, y: (x - y).mean(), permutation_type="samples", n_resamples=4999, rng=np.random.default_rng(1)
    )
    found = association(rows, is_first, [*range(20), *range(20)], WORDS, 100)
    assert found.p == pytest.approx(paired.pvalue, abs=0.02) and (found.num_units, found.is_paired) == (20, True)


def test_copies_in_one_unit_make_nothing_more_certain():
    rows, is_first = made(0.5, num=6)
    once = association(rows, is_first, range(12), WORDS, 100)
    often = association(rows.repeat_interleave(8, 0), np.repeat(is_first, 8), np.repeat(range(12), 8), WORDS, 100)
    assert often.p == once.p and often.num_units == 12


def test_where_all_are_alike_there_is_no_effect():
    found = association(torch.ones(8, 6), [True, False] * 4, range(8), WORDS, 100)
    assert found.effect == 0 and found.p == 1
