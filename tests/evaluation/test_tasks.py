import pytest

from unite.errors import ConfigError, DataError


def test_the_defaults_are_those_of_the_kind(make_task):
    assert make_task().metrics == ("recall@1", "recall@5", "recall@10", "mrr", "ndcg@10")
    assert make_task(kind="subset").metrics == ("recall@1", "recall@5", "mrr")
    assert make_task().pair == "text->text"
    assert make_task().pool_sizes == (12,) * 12


def test_pools_and_targets_are_places_in_trec_order(make_task):
    task = make_task(2, relevance={"q0": {"c0": 1, "c1": 0}, "q1": {"c0": 2, "c1": 1}}, kind="subset", metrics=("mrr",))
    assert task.trec_order == [1, 0]
    assert task.targets().tolist() == [[1, -1], [1, 0]]
    assert task.relevant == {"q0": {"c0": 1}, "q1": {"c0": 2, "c1": 1}}
    assert task.pool_members() is None
    pooled = make_task(2, pools={"q0": ["c0"], "q1": ["c0", "c1"]}, metrics=("mrr",))
    assert pooled.pool_members().tolist() == [[1, -1], [1, 0]]
    assert pooled.pool_sizes == (1, 2)


ids = [f"c{at}" for at in range(12)]
BAD = {
    "duplicate query": ({"query_ids": ["q0"] * 12}, r"ids of the queries of task text_to_text must be unique, but is 'q0"),
    "duplicate candidate": (
        {"candidate_ids": [*ids[:11], "c3"]},
        r"ids of the candidates of task text_to_text must be unique, but is 'c3'",
    ),
    "ids and contents": ({"query_ids": ["q0"]}, "with an id each, but is '1 ids and 12 contents'"),
    "no relevant": ({"relevance": {"q0": {"c0": 1}}}, "a relevant candidate each, but is 'none for q1, q2, q3, q4, q5 and 6 more'"),
    "grade zero": ({"relevance": {f"q{at}": {f"c{at}": at} for at in range(12)}}, "but is 'none for q0'"),
    "unknown": ({"relevance": {f"q{at}": {"x": 1} for at in range(12)}}, "must be ids of its queries and candidates, but is 'x"),
    "no pool": ({"pools": {"q0": ids}}, "the pool of query 'q1' of task text_to_text must be at least one candidate, but is 'empty'"),
    "empty pool": ({"pools": {"q0": []}}, "the pool of query 'q0' .* but is 'empty'"),
    "twice in pool": ({"pools": {"q0": ["c0", "c1", "c0"]}}, "without duplicates, but is 'c0'"),
    "unknown in pool": ({"pools": {"q0": ["c0", "y"]}}, "made of the task's candidates, but is 'y'"),
    "relevant outside": ({"pools": {"q0": ["c1", "c2"]}}, "with all its relevant candidates inside, but is 'without c0'"),
    "small pool": (
        {"pools": {f"q{at}": ids[:8] if at < 8 else ids for at in range(12)}},
        r"smallest pool of task text_to_text must be at least as large as the largest k \(10\), but is 8\. Leave out the metrics",
    ),
    "kind": ({"kind": "pairs"}, "kind of task text_to_text must be one of pair, subset, but is 'pairs'. Did you mean 'pair'"),
}


@pytest.mark.parametrize(("changes", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_named(make_task, changes, message):
    with pytest.raises(DataError, match=message):
        make_task(**changes)


def test_an_unknown_metric_is_named(make_task):
    with pytest.raises(ConfigError, match="a metric must be one of"):
        make_task(metrics=("recal@1",))
