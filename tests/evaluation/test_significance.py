import numpy as np
import pytest
from scipy import stats

from unite.errors import DataError
from unite.evaluation.significance import holm, permutation_test, sign_flip_test


def scipy_p(differences, num_resamples):
    test = stats.permutation_test(
        (differences,), lambda x, axis: x.mean(axis=axis), permutation_type="samples", n_resamples=num_resamples, vectorized=True, rng=0
    )
    return test.pvalue


def test_exact_equals_scipy_by_enumeration():
    random = np.random.default_rng(0)
    for shift in (0.0, 0.4, 1.0):
        values = random.normal(shift, 1, 11)
        assert sign_flip_test(values) == pytest.approx(scipy_p(values, np.inf), abs=1e-12)


def test_hits_and_misses_give_the_sign_test():
    values = np.array([1.0] * 9 + [-1.0] * 3 + [0.0] * 200)  # zeros say nothing
    assert sign_flip_test(values) == pytest.approx(stats.binomtest(9, 12).pvalue)
    many = np.array([1.0] * 60 + [-1.0] * 35)
    assert sign_flip_test(many, 20_000) == pytest.approx(stats.binomtest(60, 95).pvalue, abs=0.004)


def test_sampled_is_near_scipy_and_repeats():
    values = np.random.default_rng(1).normal(0.15, 1, 150)
    p = sign_flip_test(values)
    assert p == pytest.approx(scipy_p(values, 9999), abs=0.015)
    assert p == sign_flip_test(values)
    assert p == sign_flip_test(-values)


def test_no_difference_is_p_one_and_p_is_never_zero():
    assert sign_flip_test(np.zeros(10)) == 1
    assert sign_flip_test(np.ones(500), 99) == pytest.approx(1 / 100)
    with pytest.raises(DataError, match="one finite number a query"):
        sign_flip_test([np.nan])


def test_chunks_change_nothing(monkeypatch):
    values = np.random.default_rng(2).normal(0.1, 1, 64)
    whole = sign_flip_test(values, 999)
    monkeypatch.setattr("unite.evaluation.significance._CHUNK", 64 * 10)
    assert sign_flip_test(values, 999) == pytest.approx(whole, abs=0.05)
    few = values[:9]
    exact = sign_flip_test(few)
    monkeypatch.setattr("unite.evaluation.significance._CHUNK", 9 * 7)
    assert sign_flip_test(few) == exact


def test_of_few_values_every_split_is_as_likely():
    assert permutation_test(np.array([5.0, 6.0, 1.0, 2.0]), np.array([True, True, False, False])) == pytest.approx(2 / 6, abs=0.02)


def test_holm_equals_the_published_example():
    # R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}) == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert holm({"a": 0.9, "b": 0.8}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}
