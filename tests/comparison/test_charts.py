import pytest

from tests.comparison.material import compared, make_config, make_task
from unite.comparison.charts import differences_plot, heatmap, heatmaps, mark, values_plot
from unite.comparison.page import render_page
from unite.comparison.suite_comparison import MEAN
from unite.evaluation.results import SuiteResult

NAMES = ["base", "bold"]


def test_a_value_stands_at_its_percent(everything):
    _, (suite,) = everything
    plot = values_plot(suite, NAMES)
    assert [row.name for row in plot.rows] == ["mean over pairs", "t2i", "i2t", "it2v", "spatial"]
    assert [row.kind for row in plot.rows] == ["mean", "pair", "pair", "pair", "subset"]
    for row, task in zip(plot.rows, (MEAN, "t2i", "i2t", "it2v", "spatial"), strict=True):
        cells = [suite.main(name, task) for name in NAMES]
        for index, (lane, cell) in enumerate(zip(row.lanes, cells, strict=True)):
            assert (lane.mark, lane.dot.place, lane.dot.left) == (mark(index), 100 * cell.value, 100 * cell.interval[0])
            assert lane.dot.left + lane.dot.width == pytest.approx(100 * cell.interval[1])
            assert lane.dot.title.startswith(f"{NAMES[index]}: {100 * cell.value:.1f} (")
            assert (lane.held_in is None) == (task in (MEAN, "spatial"))
        best = int(cells[1].value > cells[0].value)
        assert row.best == (None if task == "spatial" else (((mark(best), NAMES[best]),), cells[best].value))
    assert [row.chance for row in plot.rows] == pytest.approx([1 / 50, 1 / 50, 1 / 50, 1 / 50, 1 / 8])
    assert [row.near_chance for row in plot.rows] == [False, False, False, False, True]  # 2 of 4 queries, 1 in 8 by chance
    assert plot.rows[1].about == "T \u2192 I \u00b7 pool 50"


def test_all_that_have_the_highest_value_are_best_by_the_metric_of_the_suite(write_run):
    equal = make_task([1] * 40 + [9] * 20, pool=50, metrics=("ndcg@5",))
    a, b, c = (
        write_run(name, SuiteResult("s", {"t": task}), config=make_config(0, optimizer={"lr": lr}))
        for name, task, lr in (("a", equal, 1.0), ("b", make_task([9] * 60, pool=50, metrics=("ndcg@5",)), 2.0), ("c", equal, 3.0))
    )
    recipes, (suite,) = compared(a, b, c)
    names = [recipe.name for recipe in recipes]
    row = values_plot(suite, names).rows[-1]
    assert row.best == (((mark(0), "a"), (mark(2), "c")), suite.main("a", "t").value)
    page = render_page(recipes, [suite], [])
    assert page.count(", a and c are best</span>") == 2  # of the task, and of the mean
    assert "Mean nDCG@5 by what the query and the candidates are made of" in page and "R@1 by what" not in page


def test_a_difference_stands_at_its_side_of_the_middle(everything):
    _, (suite,) = everything
    plot = differences_plot(suite, NAMES)
    assert plot.centred and plot.labels[2] == "0"
    most = float(plot.labels[-1]) / 100
    for row, task in zip(plot.rows, (MEAN, "t2i", "i2t", "it2v", "spatial"), strict=True):
        difference = suite.difference("bold", task)
        (lane,) = row.lanes  # the baseline has none
        assert row.differences == (difference,)
        assert lane.mark == mark(1)
        assert lane.dot.place == pytest.approx(50 + 50 * difference.value / most)
        assert lane.dot.hollow == (difference.verdict == 0)
        assert 0 <= lane.dot.left <= lane.dot.place <= lane.dot.left + lane.dot.width <= 100
    assert {row.lanes[0].dot.hollow for row in plot.rows} == {True, False}


def test_heatmaps_are_means_over_the_tasks_of_a_pair(write_run):
    tasks = {"a": make_task([1, 1]), "b": make_task([1, 2]), "c": make_task([2, 2], "image->text"), "d": make_task([1], kind="subset")}
    other = {**tasks, "c": make_task([1, 2], "image->text"), "b": make_task([2, 2])}
    first = write_run("x", SuiteResult("s", tasks))
    second = write_run("y", SuiteResult("s", other), config=make_config(0, optimizer={}))
    _, (suite,) = compared(first, second)
    maps = heatmaps(suite, ["x", "y"])
    assert [(one.title, one.mark) for one in maps] == [("x", mark(0)), ("y", mark(1)), ("y, difference", mark(1))]
    shown = [[[cell and (cell[0], cell[2]) for cell in cells] for _, cells in one.rows] for one in maps]
    assert maps[0].columns == ("T", "I")
    assert shown[0] == [[None, ("above", "75.0")], [("above", "0.0"), None]]
    assert shown[1] == [[None, ("above", "50.0")], [("above", "50.0"), None]]
    assert shown[2] == [[None, ("below", "\N{MINUS SIGN}25.0")], [("above", "+50.0"), None]]
    only = SuiteResult("s", {"d": make_task([1], kind="subset")})
    assert heatmaps(compared(write_run("z", only))[1][0], ["z"]) == []


def test_modalities_stand_in_one_order_single_ones_first():
    wanted = ["text", "image", "video", "text+image", "text+video", "image+video", "text+image+video", "hologram"]
    shown = heatmap("x", "c0", {f"{name}->text": 0.5 for name in sorted(wanted)})
    assert [cells[0][3] for _, cells in shown.rows] == [f"{name} \u2192 text" for name in wanted]


def test_a_colour_is_deeper_the_further_the_value():
    values = {"text->image": 0.02, "text->video": -0.04, "text->audio": 0.1, "text->text": 0.3}
    ((_, cells),) = heatmap("x", "c0", values, most=0.1).rows
    depths = [depth for _, depth, _, _ in cells]
    assert [title for *_, title in cells] == ["text \u2192 text", "text \u2192 image", "text \u2192 video", "text \u2192 audio"]
    assert depths == pytest.approx([0.66, 0.06 + 0.6 * 0.2, 0.06 + 0.6 * 0.4, 0.66])


def test_marks_are_distinct_as_long_as_they_can_be():
    assert len({mark(index) for index in range(28)}) == 28
