import math

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference.ranking import metrics_of
from unite.errors import ConfigError, DataError
from unite.evaluation.metrics import (
    Judged,
    chance_of,
    judge,
    largest_k,
    parse_metric,
    per_query,
)

TREC = {
    "recall@1": "recall_1", "recall@5": "recall_5", "hit@1": "success_1", "hit@5": "success_5",
    "mrr": "recip_rank", "ndcg": "ndcg", "ndcg@3": "ndcg_cut_3", "ndcg@10": "ndcg_cut_10", "map": "map", "map@5": "map_cut_5",
    "precision@1": "P_1", "precision@5": "P_5", "ndcg_linear@3": "ndcg_cut_3",
}  # fmt: skip
MEASURES = {"recall.1,5", "success.1,5", "recip_rank", "ndcg", "ndcg_cut.3,10", "map", "map_cut.5", "P.1,5"}


@settings(deadline=None, max_examples=150)
@given(seed=st.integers(0, 100_000), num_candidates=st.integers(1, 25), levels=st.integers(1, 4), grades=st.integers(1, 3))
def test_equals_trec_eval_with_ties_and_grades(seed, num_candidates, levels, grades):
    random = np.random.default_rng(seed)
    names = [f"d{at}" for at in random.permutation(num_candidates)]  # d10 sorts before d9: as strings
    scores = {name: float(random.integers(levels)) / 3 for name in names}
    relevance = {name: int(random.integers(0, grades + 1)) for name in names}
    relevance[names[0]] = 1 + int(random.integers(grades))
    expected = pytrec_eval.RelevanceEvaluator({"q": relevance}, MEASURES).evaluate({"q": scores})["q"]
    judged = judge(scores, relevance)
    for ours, theirs in TREC.items():
        assert per_query(ours, [judged])[0] == pytest.approx(expected[theirs], abs=1e-6), ours


def test_a_relevant_candidate_that_was_not_retrieved_counts_as_trec_eval_counts_it():
    scores, relevance = {"a": 2.0, "b": 1.0}, {"b": 1, "missing": 2}
    expected = pytrec_eval.RelevanceEvaluator({"q": relevance}, MEASURES).evaluate({"q": scores})["q"]
    for ours, theirs in TREC.items():
        assert per_query(ours, [judge(scores, relevance)])[0] == pytest.approx(expected[theirs], abs=1e-6), ours


@settings(deadline=None, max_examples=100)
@given(seed=st.integers(0, 100_000), num_candidates=st.integers(1, 15), share=st.floats(0, 1))
def test_what_mmeb_v2_reports_is_as_a_slow_reader_of_the_ranking_counts_it(seed, num_candidates, share):
    random = np.random.default_rng(seed)
    ranking = [f"d{at}" for at in range(num_candidates)]
    grades = {name: int(random.integers(1, 4)) for name in ranking if random.random() < share} or {ranking[-1]: 2}
    judged = Judged(tuple(ranking.index(name) + 1 for name in grades), tuple(grades.values()))
    for k in (1, 5, 10):  # at times more than there are candidates
        for name, expected in metrics_of(ranking, grades, k).items():
            ours = "map_capped" if name == "map" else name
            assert per_query(f"{ours}@{k}", [judged])[0] == pytest.approx(expected, abs=1e-12), (name, k)


def test_by_hand():
    judged = [Judged((2, 5), (1, 1)), Judged((1,), (1,))]
    assert per_query("recall@2", judged).tolist() == [0.5, 1.0]
    assert per_query("hit@1", judged).tolist() == [0.0, 1.0]
    assert per_query("mrr", judged).tolist() == [0.5, 1.0]
    assert per_query("mrr@1", judged).tolist() == [0.0, 1.0]
    assert per_query("map", judged).tolist() == [(1 / 2 + 2 / 5) / 2, 1.0]
    assert per_query("ndcg@2", judged).tolist() == [(1 / math.log2(3)) / (1 + 1 / math.log2(3)), 1.0]


def test_a_grade_may_be_larger_than_its_gain_is_a_number():
    assert per_query("ndcg_exponential@10", [Judged((2, 1), (10**18, 5000))])[0] == pytest.approx(1 / math.log2(3))
    assert per_query("ndcg_exponential@1", [Judged((2, 1), (3, 2))])[0] == 3 / 7


def test_metric_names():
    assert parse_metric("recall@10") == ("recall", 10)
    assert parse_metric("mrr") == ("mrr", None)
    assert parse_metric("f1@5") == ("f1", 5)
    assert parse_metric("ndcg_linear@5") == ("ndcg_linear", 5)
    assert largest_k(["recall@5", "mrr", "ndcg@10"]) == 10
    with pytest.raises(ConfigError, match=r"one of f1, hit, map, .*precision, recall, but is 'recal'.*Did you mean 'recall'"):
        parse_metric("recal@10")
    for without in ("precision", "f1", "ndcg_linear", "ndcg_exponential", "map_capped"):
        with pytest.raises(ConfigError, match=f"a k of at least 1, as {without}@10, but is '{without}'"):
            parse_metric(without)
    with pytest.raises(ConfigError, match="a k of at least 1, as recall@10, but is 'recall'"):
        parse_metric("recall")
    with pytest.raises(ConfigError, match="a k of at least 1, as ndcg@10, but is 'ndcg@0'"):
        parse_metric("ndcg@0")


def test_nothing_judged_is_an_error():
    with pytest.raises(DataError, match="at least one, with a rank and a grade each"):
        judge({"a": 1.0}, {"a": 0})


def test_chance_is_what_random_rankings_reach():
    random = np.random.default_rng(0)
    shuffled = [Judged(tuple(int(rank) for rank in 1 + random.permutation(12)[:3]), (1, 1, 1)) for _ in range(20_000)]
    for name in ("recall@1", "recall@5", "hit@1", "hit@5", "hit@12"):
        assert chance_of(name, 3, 12) == pytest.approx(per_query(name, shuffled).mean(), abs=0.012), name
    assert chance_of("recall@5", 1, 3) == 1 and chance_of("mrr", 1, 3) is None
