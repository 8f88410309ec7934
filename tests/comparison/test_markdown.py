import re

from tests.comparison.material import compared, make_config, make_suite, make_task, write_run
from unite.comparison.markdown import render_markdown
from unite.comparison.page import render_page


def tables(text):
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("| ")]
    return [[[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines] for lines in blocks]


def test_markdown_has_the_numbers_of_the_page(everything):
    recipes, suites = everything
    text = render_markdown(recipes, suites, ["mind this"])
    assert text.startswith("# bold wins: mean R@1")
    assert "\n\n- mind this\n\n" in text
    numbers, tests, runs, settings = tables(text)
    for table in (numbers, tests, runs, settings):
        assert len({len(line) for line in table}) == 1  # as many cells in every line
    rows = {row[0]: row for row in numbers}
    assert rows["t2i"][1:3] == ["T \u2192 I", "R@1"]
    assert [row[:2] for row in tests[2:]] == [[task, "bold"] for task in suites[0].order]
    value = re.match(r"[\d.]+", rows["mean"][3])[0]
    assert f"<b>{value}</b>" in render_page(recipes, suites, [])
    assert [row[0] for row in runs[2:]] == ["base", "bold_seed0", "bold_seed1"]
    assert settings[2] == ["`optimizer.lr`", "0.001", r"\<script>alert(1)\</script>"]


def test_one_run_alone_is_compared_with_nothing(write_run):
    recipes, suites = compared(write_run("only", make_suite()))
    text = render_markdown(recipes, suites, [])
    assert "only: mean R@1" in text
    assert "Against" not in text and "Settings" not in text


def test_published_figures_stand_below_the_numbers(write_run):
    recipes, suites = compared(write_run("care", make_suite(carebench_spatial_t2v=make_task([1]), carebench_temporal_t2v=make_task([2]))))
    text = render_markdown(recipes, suites, [])
    assert "\nPublished on CaReBench." in text
    published = next(table for table in tables(text) if table[0][0] == "model")
    assert published[0] == ["model", "spatial", "temporal", "source"]
    assert published[2] == ["care", "100.0", "0.0", "this comparison"]
    assert len(published) > 3


def test_nothing_of_the_data_ends_a_cell_or_begins_a_tag(tmp_path):
    """Hostile names make the same lines and cells as harmless ones."""

    def text(folder, run, task, setting, note):
        first = write_run(tmp_path / folder / "a", make_suite(0.2, num=90, **{task: make_task([1, 2])}))
        config = make_config(0, optimizer={setting: setting})
        second = write_run(tmp_path / folder / "b", make_suite(0.9, 9, num=90, **{task: make_task([2, 2])}), config=config)
        recipes, suites = compared(first, f"{run}={second}")
        return render_markdown(recipes, suites, [note])

    cells = re.compile(r"(?<!\\)\|")
    plain = text("plain", "run", "task", "setting", "note")
    hostile = text("hostile", "<script>|`", "t|a\n| b |", "x`|`\\", "a\n\n# <b>note</b>")
    assert [len(cells.split(line)) for line in hostile.splitlines()] == [len(cells.split(line)) for line in plain.splitlines()]
    assert not re.search(r"(?<!\\)<[A-Za-z/!?]", hostile)
    assert r"\<script>\|\`" in hostile
    assert "- a # \\<b>note\\</b>\n" in hostile
    assert r"| `` optimizer.x`\|`\ `` |" in hostile
