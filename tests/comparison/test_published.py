import pytest

from tests.comparison.material import compared, make_suite, make_task, random_ranks
from unite.comparison.compare import MEAN
from unite.comparison.published import published_beside
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
