import pytest

from tests.fake_encoder import FakeEncoder
from unite.config.schema import SuiteConfig
from unite.errors import DataError
from unite.evaluation.score import Score
from unite.evaluation.suite import Suite


def score_of(tasks):
    result = Suite(SuiteConfig(name="s", tasks=tasks)).run(FakeEncoder())
    return result.score, result.metrics()


def test_it_is_the_mean_of_each_task_s_first_metric_over_the_pairs(make_task):
    score, metrics = score_of({"a": make_task(), "b": make_task(20, candidates=make_task(20).queries), "c": make_task(8, kind="subset")})
    assert score.mean_of == ("s/a/recall@1", "s/b/recall@1") and score.direction == "higher is better"
    assert score.value == metrics["s/mean/recall@1"] != metrics["s/a/recall@1"]


@pytest.mark.parametrize("metrics", [("hit@1", "hit@5", "hit@10"), ("hit@1",), ("recall@1", "recall@5")])
def test_captions_mmeb_and_covr_have_one(make_task, metrics):
    score, found = score_of({"t2i": make_task(metrics=metrics), "i2t": make_task(metrics=metrics)})
    assert score.name == f"mean {metrics[0]} over 2 tasks" and score.value == found[f"s/mean/{metrics[0]}"]


def test_tasks_of_other_metrics_are_still_one_number(make_task):
    score, found = score_of({"a": make_task(metrics=("ndcg@10", "recall@1")), "b": make_task(metrics=("hit@1",))})
    assert score.name == "mean main metric over 2 tasks" and score.mean_of == ("s/a/ndcg@10", "s/b/hit@1")
    assert score.value == pytest.approx((found["s/a/ndcg@10"] + found["s/b/hit@1"]) / 2)


def test_subsets_alone_have_one_and_what_was_not_run_is_named(make_task):
    score, found = score_of({"spatial": make_task(8, kind="subset"), "gone": "no/such"})
    assert score.record() == {
        "score": found["s/spatial/recall@1"],
        "score_is": {
            "name": "mean recall@1 over 1 task",
            "mean_of": ["s/spatial/recall@1"],
            "not_run": ["gone"],
            "direction": "higher is better",
            "ties": "trec_eval",
        },
    }
    with pytest.raises(DataError, match="the tasks of suite s must be at least one that was run"):
        Score.of_main_metrics("s", {})
