from dataclasses import replace

import numpy as np
import pytest

from tests.comparison.material import compared, make_config, make_suite, make_task
from unite.comparison.page import render_page
from unite.comparison.suite_comparison import Difference
from unite.comparison.wording import count_of, figure, headline, interval, near_chance, p_value, points, told, verdict, warnings
from unite.evaluation.results import SuiteResult


def test_the_headline_names_the_winner(write_run):
    a = write_run("a", make_suite(0.3, 0, num=120))
    b = write_run("b", make_suite(0.7, 50, num=120), config=make_config(0, optimizer={"lr": 0.1}))
    recipes, (suite,) = compared(a, b)
    assert headline(suite, recipes).startswith("b wins: mean R@1 ")
    recipes, (suite,) = compared(b, a)
    assert headline(suite, recipes).startswith("b wins: mean R@1 ")
    recipes, (suite,) = compared(a)
    assert headline(suite, recipes).startswith("a: mean R@1 ")


def test_equal_runs_have_no_winner(write_run):
    a, b = write_run("a", make_suite()), write_run("b", make_suite(), config=make_config(0, optimizer={}))
    recipes, (suite,) = compared(a, b)
    assert headline(suite, recipes) == "No clear winner: a leads b by 0.0 points of mean R@1, which chance may explain (p 1.00)"


@pytest.mark.parametrize(("value", "p", "word"), [(0.068, 0.0004, "better"), (-0.068, 0.0004, "worse"), (0.068, 0.4, "level")])
def test_a_difference_in_words(value, p, word):
    difference = Difference(value, (value - 0.02, value + 0.0004), p, p, 3, 1)
    assert verdict(difference) == word
    assert told(difference) == f"{points(value)} ({interval(difference)}), p {p_value(p)}"
    assert interval(Difference(0.0, (-0.041, 0.0004), 1, 1, 0, 0)) == "\N{MINUS SIGN}4.1 to 0.0"


def test_small_words():
    assert [p_value(p) for p in (0.0004, 0.0312, 0.5)] == ["<0.001", "0.031", "0.50"]
    assert [figure(value) for value in (70.26, None)] == ["70.3", "-"]
    assert [count_of(number, "run") for number in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]


def far_and_near(right):
    """A suite of one task that is learned, and one in which `right` of 100 queries find their own among 50."""
    return SuiteResult("s", {"learned": make_task([1] * 60 + [9] * 40), "lost": make_task([1] * right + [9] * (100 - right))})


def test_nobody_is_best_at_chance(write_run):
    a, b = write_run("a", far_and_near(1)), write_run("b", far_and_near(4), config=make_config(0, optimizer={}))
    _, (suite,) = compared(a, b)
    assert [suite.near_chance(task) for task in ("learned", "lost", "mean")] == [False, True, False]
    assert near_chance(suite) == "All near chance: lost. Nobody is best there."
    c = write_run("c", far_and_near(20), config=make_config(0, objective={}))
    assert near_chance(compared(a, b, c)[1][0]) == ""  # somebody is


def test_where_all_are_near_chance_nobody_wins(write_run):
    ranks = np.arange(2, 102)  # never right: the interval begins at 0, though it is no longer a point
    a = write_run("a", SuiteResult("s", {"t": make_task(ranks, pool=200)}))
    b = write_run("b", SuiteResult("s", {"t": make_task([1, *ranks[1:]], pool=200)}), config=make_config(0, optimizer={}))
    recipes, (suite,) = compared(a, b)
    assert headline(suite, recipes) == "All are near chance: mean R@1 1.0 at best, 0.5 by chance"
    recipes, (suite,) = compared(a)
    assert headline(suite, recipes) == "a is near chance: mean R@1 0.0 at best, 0.5 by chance"
    subset = write_run("c", SuiteResult("s", {"t": make_task(ranks, kind="subset", pool=200)}))
    recipes, (suite,) = compared(subset)
    assert headline(suite, recipes) == "c is near chance: R@1 0.0 at best, 0.5 by chance"


def test_figures_that_a_rule_of_ties_makes_are_told(write_run):
    by_rule = replace(make_task([1] * 60), ties="argmax", all_tied=True)
    a, b = (
        write_run(name, make_suite(image=task), config=make_config(seed))
        for seed, (name, task) in enumerate({"a": replace(by_rule, all_tied=False, num_tied=6), "b": by_rule}.items())
    )
    recipes, suites = compared(a, b)
    told_of = [
        "The rule of ties (argmax) decides queries of emoji/image, "
        "a right candidate having the score of a wrong one: 10.0% in a, 100.0% in b."
    ]
    assert warnings(suites) == told_of
    page = render_page(recipes, suites, told_of)
    assert page.count("ties by argmax") == 1 and told_of[0] in page


def test_tasks_that_are_not_compared_for_one_reason_are_told_together(write_run):
    gone = {f"gone{number}": "no folder" for number in range(7)}
    a, b = (
        write_run(name, SuiteResult("s", {"t": make_task([1, 2]), "u": make_task([1])} | more, gone))
        for name, more in (("a", {}), ("b", {"v": make_task([1])}))
    )
    _, suites = compared(a, b)
    assert warnings(suites) == [
        "gone0, gone1, gone2, gone3, gone4 and 2 more of s are not compared: not evaluated in any run.",
        "s/v is not compared: not evaluated in a.",
    ]
