"""A benchmark's means are its own, whatever ran beside it and whatever did not."""

import io
import json

import numpy as np
import pytest
from rich.console import Console

from tests.fake_encoder import FakeEncoder
from unite.config.schema import MtebSuiteConfig
from unite.evaluation.mteb_suite import MtebSuite

mteb = pytest.importorskip("mteb")
from mteb.benchmarks.benchmark import BenchmarkAggregation as Means  # noqa: E402

from tests.evaluation.mteb_tasks import Brightness, of_name, run  # noqa: E402

PLAIN, MARKED, PRIVATE = of_name("Plain"), of_name("Marked", "."), of_name("Private", "?", is_public=False)
BY_TYPE, BY_ACCESS = (Means.MEAN_TASK_TYPE, Means.TASK_TYPES), (Means.MEAN_TASK, Means.PUBLIC_PRIVATE)


def absent(task):
    def load_data(**_):
        raise FileNotFoundError("no data set here")

    task.load_data = load_data
    return task


def test_a_benchmark_s_own_mean_is_reported(tmp_path, registered):
    tasks = registered(PLAIN, MARKED, Brightness)
    evaluation = run(MtebSuite(MtebSuiteConfig(tasks=[mteb.Benchmark(name="Mine(v1)", tasks=tasks, aggregations=BY_TYPE)])), tmp_path)
    plain, marked, bright = (evaluation.scores[task.metadata.name][1] for task in tasks)
    assert len({plain, marked, bright}) == 3
    means = {"Mean(TaskType)": ((plain + marked) / 2 + bright) / 2, "Retrieval": (plain + marked) / 2, "ImageClassification": bright}
    found = evaluation.benchmarks["Mine(v1)"].means
    assert found == pytest.approx(means) and next(iter(found)) == "Mean(TaskType)"
    written = json.loads((tmp_path / "metrics.json").read_text())
    assert written["score"] == written["mteb/Mine(v1)/Mean(TaskType)"] == pytest.approx(means["Mean(TaskType)"])
    assert written["score"] != pytest.approx(np.mean([plain, marked, bright]))
    assert (written["score_is"]["name"], written["score_is"]["mean_of"]) == ("Mean(TaskType) of Mine(v1)", ["mteb/Mine(v1)/Mean(TaskType)"])


def test_without_all_of_its_tasks_a_benchmark_has_no_mean(tmp_path, registered):
    plain, marked = registered(PLAIN, MARKED)
    suite = MtebSuite(MtebSuiteConfig(tasks=[mteb.Benchmark(name="Mine(v1)", tasks=[plain, absent(marked)])]))
    out = io.StringIO()
    evaluation = suite.evaluate(FakeEncoder(), tmp_path, Console(file=out, width=60))
    assert not any("Mine(v1)" in key for key in evaluation.metrics()) and evaluation.benchmarks["Mine(v1)"].not_run == ("Marked",)
    name = "mean ndcg_at_10 over 1 task that ran, which is not the mean of Mine(v1): not all of its tasks were run"
    assert (evaluation.scored.name, evaluation.score, evaluation.scored.not_run) == (name, evaluation.scores["Plain"][1], ("Marked",))
    told = out.getvalue().splitlines()
    assert "Not run: Marked. FileNotFoundError: no data set here" in told
    assert "Mine(v1): 1 of its 2 tasks were not run, so it has no mean." in told


def test_without_its_private_tasks_alone_it_has_the_mean_of_the_public_ones(tmp_path, registered):
    plain, marked, private = registered(PLAIN, MARKED, PRIVATE)
    whole = mteb.Benchmark(name="Whole", tasks=[plain, marked, private], aggregations=BY_ACCESS)
    means = run(MtebSuite(MtebSuiteConfig(tasks=[whole])), tmp_path / "whole").benchmarks["Whole"].means
    assert list(means) == ["Mean(Task)", "Mean(Public)", "Mean(Private)"]
    part = mteb.Benchmark(name="Part", tasks=[plain, marked, absent(private)], aggregations=BY_ACCESS)
    evaluation = run(MtebSuite(MtebSuiteConfig(tasks=[part])), tmp_path / "part")
    assert evaluation.benchmarks["Part"].means == {"Mean(Public)": means["Mean(Public)"]}
    assert (evaluation.scored.name, evaluation.score) == ("Mean(Public) of Part", means["Mean(Public)"])


def test_the_score_is_the_mean_over_what_was_asked_for(tmp_path, registered):
    plain, marked, bright = registered(PLAIN, MARKED, Brightness)
    evaluation = run(MtebSuite(MtebSuiteConfig(tasks=[bright, mteb.Benchmark(name="Mine", tasks=[plain, marked])])), tmp_path)
    scores = {task: value for task, (_, value, _, _) in evaluation.scores.items()}
    assert evaluation.score == pytest.approx((scores["Brightness"] + (scores["Plain"] + scores["Marked"]) / 2) / 2)
    assert evaluation.scored.name == "mean of accuracy of Brightness, Mean(Task) of Mine"
