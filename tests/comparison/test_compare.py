"""Comparisons of runs made up; by way of them `suite_comparison.py`, what they hold."""

from dataclasses import replace

import numpy as np
import pytest

from tests.comparison.material import compared, make_config, make_suite, make_task, random_ranks
from unite.comparison.suite_comparison import MEAN
from unite.comparison.wording import headline
from unite.errors import DataError
from unite.evaluation.results import SuiteResult
from unite.evaluation.significance import holm, sign_flip_test


@pytest.fixture
def two(write_run):
    """A baseline, and a run that is plainly better."""
    a = write_run("a", make_suite(0.3, 0, num=120))
    b = write_run("b", make_suite(0.7, 50, num=120), config=make_config(0, optimizer={"lr": 0.1}))
    return a, b


def test_cells_are_the_metrics_of_the_runs(two):
    recipes, (suite,) = compared(*two)
    for recipe in recipes:
        result = recipe.runs[0].suites["emoji"]
        for task, found in result.tasks.items():
            for metric, value in found.metrics.items():
                assert suite.cells[recipe.name][task][metric].value == pytest.approx(value)
            assert suite.cells[recipe.name][task]["recall@1"].interval == pytest.approx(found.intervals["recall@1"], abs=0.03)
        for metric, value in result.means().items():
            assert suite.cells[recipe.name][MEAN][metric].value == pytest.approx(value)


def test_differences_are_paired_by_query(two):
    _, (suite,) = compared(*two)
    hits = {}
    for folder in two:
        tasks = SuiteResult.from_json((folder / "emoji.json").read_text()).tasks
        hits[folder.name] = {task: {query: one.ranks[0] == 1 for query, one in found.judged.items()} for task, found in tasks.items()}
    expected = {}
    for task in suite.tasks:
        values = [float(hits["b"][task][query]) - float(hits["a"][task][query]) for query in sorted(hits["a"][task])]
        expected[task] = sign_flip_test(values)
        found = suite.differences["b"][task]
        assert found.value == pytest.approx(np.mean(values))
        assert (found.won, found.lost) == (values.count(1.0), values.count(-1.0))
        assert found.p == pytest.approx(expected[task])
        assert found.interval[0] < found.value < found.interval[1]
    assert {task: suite.differences["b"][task].adjusted for task in suite.tasks} == pytest.approx(holm(expected))
    assert suite.differences["b"][MEAN].verdict == 1
    assert "a" not in suite.differences


def test_the_order_of_the_queries_does_not_matter(write_run):
    ranks = random_ranks(40, 0.5, 0)
    task = make_task(ranks)
    turned = make_task(ranks)
    turned.judged.update({query: turned.judged.pop(query) for query in list(turned.judged)[::2]})
    assert list(task.judged) != list(turned.judged)
    a = write_run("a", SuiteResult("s", {"t": task}))
    b = write_run("b", SuiteResult("s", {"t": turned}), config=make_config(1, name="x", optimizer={}))
    _, (suite,) = compared(a, b)
    found = suite.differences["b"]["t"]
    assert (found.value, found.won, found.lost, found.p) == (0, 0, 0, 1)


def test_seeds_give_mean_and_deviation(write_run):
    seeds = [make_suite(share, 10 * at) for at, share in enumerate((0.3, 0.5, 0.7))]
    folders = [write_run(f"s{at}", suite, config=make_config(at)) for at, suite in enumerate(seeds)]
    (recipe,), (suite,) = compared(*folders)
    values = [one.tasks["t2i"].metrics["recall@1"] for one in seeds]
    cell = suite.main(recipe.name, "t2i")
    assert (cell.value, cell.deviation) == pytest.approx((np.mean(values), np.std(values, ddof=1)))
    means = [one.means()["recall@1"] for one in seeds]
    cell = suite.main(recipe.name, MEAN)
    assert (cell.value, cell.deviation) == pytest.approx((np.mean(means), np.std(means, ddof=1)))


def test_a_difference_within_the_seeds_is_not_told_apart(write_run):
    wild = [write_run(f"wild{at}", make_suite(share, 10 * at, 200), config=make_config(at)) for at, share in enumerate((0.1, 0.9))]
    steady = write_run("steady", make_suite(0.75, 77, 200), config=make_config(0, optimizer={}))
    recipes, (suite,) = compared(*wild, steady)
    found = suite.differences["steady"][MEAN]
    assert found.adjusted < 0.01
    assert found.verdict == 0
    deviation = suite.main("wild", MEAN).deviation
    assert found.seed_error == pytest.approx(np.sqrt(deviation**2 / 2 + deviation**2))
    assert headline(suite, recipes).startswith("No clear winner: steady leads wild by ")
    assert "seeds alone" in headline(suite, recipes)


def test_held_in_stands_beside(write_run):
    suites = make_suite(0.4), make_suite(0.8, name="emoji_held_in")
    _, found = compared(write_run("a", *suites), write_run("b", *suites, config=make_config(0, optimizer={})))
    assert [suite.name for suite in found] == ["emoji"]
    assert found[0].held_in.name == "emoji_held_in"
    only = compared(*(write_run(f"c{at}", suites[1], config=make_config(0, x=at)) for at in range(2)))[1]
    assert [suite.name for suite in only] == ["emoji_held_in"]


def test_what_cannot_be_paired_is_named(write_run):
    ranks = random_ranks(60, 0.5, 9)
    other = {
        "i2t": make_task(ranks[:50], "image->text"),
        "it2v": make_task(ranks, "text+image->video", pool=45),
        "moved": make_task(ranks, data="b"),
        "tied": replace(make_task(ranks), ties="argmax"),
        "extra": make_task(ranks),
    }
    a = write_run("a", make_suite(moved=make_task(ranks, data="a"), tied=make_task(ranks)))
    b = write_run("b", make_suite(**other), config=make_config(0, optimizer={}))
    _, (suite,) = compared(a, b)
    assert list(suite.tasks) == ["t2i"]
    assert suite.missing == {
        "i2t": "a has 60 queries and b 50, of which 50 have the same id",
        "it2v": "ranked among 50 candidates in a, among 45 in b",
        "tied": "equal scores are ranked by trec_eval in a, by argmax in b",
        "moved": "a and b were evaluated on different contents under the same ids",
        "extra": "not evaluated in a",
    }


def test_nothing_in_common_is_an_error(write_run):
    a, b = write_run("a", make_suite()), write_run("b", make_suite(name="mmeb"))
    with pytest.raises(
        DataError, match=r"at least one that all of them have, but is 'a: emoji; b: mmeb'\. Evaluate them on the same suite"
    ):
        compared(a, f"b={b}")
    c = write_run("c", SuiteResult("emoji", {"new": make_task([1, 2, 3])}))
    with pytest.raises(DataError, match="no task of suite emoji can be compared. t2i: not evaluated in c"):
        compared(a, c)


def test_order_and_difference_are_what_a_page_asks_for(two):
    _, (suite,) = compared(*two)
    assert suite.order == (*suite.tasks, MEAN)
    assert suite.difference("b", MEAN) is suite.differences["b"][MEAN]
    assert suite.difference("a", MEAN) is suite.difference("b", "no task") is None
