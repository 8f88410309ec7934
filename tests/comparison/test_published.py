import pytest

from tests.comparison.material import compared, make_config, make_suite, make_task, random_ranks
from unite.comparison.published import published_beside
from unite.comparison.suite_comparison import MEAN
from unite.comparison.wording import headline
from unite.evaluation.results import SuiteResult


def test_published_figures_only_where_they_belong(write_run):
    groups = ("classification", "vqa", "retrieval", "grounding")
    tasks = {name: make_task(random_ranks(30, 0.5, at), metrics=("hit@1",)) for at, name in enumerate(groups)}
    a = write_run("a", SuiteResult("mmeb", tasks, {}, {name: (name,) for name in groups}))
    _, (suite,) = compared(a)
    (found,) = published_beside(suite)
    assert found.benchmark == "MMEB"
    rows = {model: (dict(zip(found.parts, values, strict=True)), source) for model, values, source in found.rows}
    assert rows["UNITE 7B"][0] == {"overall": 70.3, "classification": 68.3, "vqa": 65.1, "retrieval": 71.6, "grounding": 84.8}
    assert "2505.19650" in rows["UNITE 7B"][1]
    assert all(source for _, source in rows.values())
    assert found.own["a"][0] == pytest.approx(100 * suite.main("a", MEAN).value)
    assert suite.main("a", "mean_vqa").value == pytest.approx(suite.main("a", "vqa").value)
    care = SuiteResult("paper_fine", {f"carebench_{part}_t2v": make_task([1, 2]) for part in ("general", "spatial", "temporal")})
    (found,) = published_beside(compared(write_run("care", care))[1][0])
    assert (found.benchmark, found.parts, found.own["care"]) == ("CaReBench", ("spatial", "temporal"), (50.0, 50.0))
    emoji = make_suite(spatial=make_task([1]), temporal=make_task([1]))
    assert published_beside(compared(write_run("b", emoji))[1][0]) == []


def test_a_suite_of_mixed_metrics_stands_beside_figures_of_mixed_metrics(write_run):
    metrics = {"ImageNet-1K": "hit@1", "CIRR": "hit@1", "K700": "hit@1", "ViDoSeek-doc": "ndcg_linear@5"}
    tasks = {name: make_task(random_ranks(30, 0.5, at), metrics=(metric,)) for at, (name, metric) in enumerate(metrics.items())}
    groups = {"image": ("ImageNet-1K", "CIRR"), "video": ("K700",), "visdoc": ("ViDoSeek-doc",)}
    result = SuiteResult("mmeb_v2", tasks, {}, groups)
    recipes, (suite,) = compared(write_run("a", result), write_run("b", result, config=make_config(1, name="b", optimizer={})))
    (found,) = published_beside(suite)
    means, every = result.group_means(), [task.metrics[task.main_metric] for task in tasks.values()]
    assert (found.benchmark, found.parts) == ("MMEB-V2", ("overall", "image", "video", "visual document"))
    own = [sum(every) / 4, means["image"]["hit@1"], means["video"]["hit@1"], means["visdoc"]["ndcg_linear@5"]]
    assert found.own["a"] == pytest.approx([100 * value for value in own])
    assert suite.mean_metric == "main_metric" and suite.main("a", MEAN).value == pytest.approx(own[0])
    assert [suite.main("a", f"mean_{group}").value for group in groups] == pytest.approx(own[1:])
    assert "main metric" in headline(suite, recipes)
