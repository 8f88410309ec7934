"""The page, its text and, in a real browser, what a reader sees of it."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from tests.browser import browse, needs_browser
from tests.comparison.conftest import make_config, make_suite, make_task, some_failures
from unite.comparison.compare import compare
from unite.comparison.evaluated_runs import group_runs, load_runs
from unite.comparison.markdown import render_markdown
from unite.comparison.page import render_page


@pytest.fixture
def rendered(write_run):
    """The page and the Markdown of a baseline and of two seeds of a better recipe, whose name is hostile."""
    inside = make_suite(0.6, 5, name="emoji_held_in")
    subset = make_task([1, 2, 3, 1], kind="subset", pool=8)
    write = {"failures": {"t2i": some_failures(), "it2v": some_failures()}}
    runs = [write_run("base", make_suite(0.2, 0, 150, spatial=subset), inside, **write)]
    for seed in range(2):
        config = make_config(seed, optimizer={"lr": "<script>alert(1)</script>"})
        runs.append(write_run(f"bold_seed{seed}", make_suite(0.6, 9, 150, spatial=subset), inside, config=config, **write))
    recipes, notes = group_runs(load_runs(list(map(str, runs))))
    suites = compare(recipes)
    return render_page(recipes, suites, ["mind this"]), render_markdown(recipes, suites, [*notes, "mind this"])


class Tags(HTMLParser):
    """What a page refers to, and the text that it shows."""

    def __init__(self, page):
        super().__init__()
        self.names, self.links, self.text = set(), [], ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.names.add(tag)
        self.links += [value for name, value in attributes if name in ("src", "href", "srcset", "action")]

    def handle_data(self, data):
        self.text += data


def test_the_page_needs_nothing_else(rendered):
    page = Tags(rendered[0])
    assert page.links
    assert all(link.startswith("data:image/jpeg;base64,") for link in page.links)
    assert not page.names & {"script", "link", "iframe", "object"}
    assert "url(" not in rendered[0]
    assert "@import" not in rendered[0]


def test_the_page_tells_what_was_asked(rendered):
    text = Tags(rendered[0]).text
    assert "bold wins: mean R@1" in text
    assert "mind this" in text
    for heading in ("By task", "Difference from the baseline", "By modality", "In numbers", "Failures to look at", "The runs"):
        assert heading in text
    assert "a <b>cat</b> & a hat" in text  # a text of the data is shown as it is
    assert "<script>alert(1)</script>" in text
    assert "optimizer.lr" in text
    assert "rank elsewhere: bold" in text
    assert text.count("right one, rank 17") == 4  # two tasks of two recipes
    assert rendered[0].count("<details open>") == 1
    assert "Published" not in text


def test_markdown_has_the_same_numbers(rendered):
    page, text = rendered
    assert text.startswith("# bold wins: mean R@1")
    tables = [[line.strip("| ").split(" | ") for line in block.splitlines()] for block in text.split("\n\n") if block.startswith("| ")]
    numbers, tests = ({row[0]: row for row in table} for table in tables[:2])
    assert numbers["t2i"][1:3] == ["T → I", "R@1"]
    assert tests["t2i"][1] == "bold"
    value = re.search(r"\| mean \| {2}\| R@1 \| ([\d.]+) \(", text)
    assert value
    assert f"<b>{value[1]}</b>" in page
    widths = {line.count(" | ") for line in text.split("Against base")[0].splitlines() if line.startswith("| ")}
    assert len(widths) == 1


def test_one_run_alone_has_a_page(write_run):
    recipes, notes = group_runs(load_runs([str(write_run("only", make_suite()))]))
    page = render_page(recipes, compare(recipes), notes)
    assert "Difference from the baseline" not in page
    assert "Not recorded for only" in page
    assert "only: mean R@1" in render_markdown(recipes, compare(recipes), notes)


@needs_browser
@pytest.mark.parametrize("width", [1280, 390])
def test_a_browser_shows_it_at_any_width(rendered, tmp_path, width):
    path = tmp_path / "report.html"
    path.write_text(rendered[0])
    picture, (scroll, client, height, broken, marks) = browse(path, width, tmp_path / "shot.png")
    assert picture.shape == (1400, width, 3)
    assert scroll <= client == width  # nothing to scroll to at the side
    assert height > 1500
    assert broken == 0
    assert marks > 20
    blue = (np.abs(picture.astype(int) - (0, 114, 178)).sum(axis=2) < 30).sum()
    assert blue > 300  # the second recipe's marks and bar


@needs_browser
def test_a_browser_shows_it_in_the_dark(rendered, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(rendered[0])
    light, _ = browse(path, 800, tmp_path / "light.png")
    dark, _ = browse(path, 800, tmp_path / "dark.png", "--blink-settings=preferredColorScheme=0")
    assert light.mean() > 200
    assert dark.mean() < 70
