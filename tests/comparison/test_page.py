"""The page and, in a real browser, what a reader sees of it."""

from dataclasses import replace

import numpy as np
import pytest

from tests.browser import browse, needs_browser
from tests.comparison.material import Page, compared, make_config, make_suite, make_task, some_failures
from unite.comparison.compare import compare
from unite.comparison.evaluated_runs import group_runs, load_runs
from unite.comparison.page import render_page
from unite.evaluation.failures_file import TaskFailures
from unite.evaluation.results import SuiteResult
from unite.media.preview import Preview


@pytest.fixture
def rendered(everything):
    return render_page(*everything, ["mind this"])


def test_the_page_needs_nothing_else(rendered):
    page = Page(rendered)
    links = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href", "srcset", "action")]
    assert links
    assert all(link.startswith("data:image/jpeg;base64,") for link in links)
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object"}
    assert "url(" not in rendered
    assert "@import" not in rendered


def test_it_links_the_dashboard(everything):
    links = Page(render_page(*everything, [], dashboard="dashboard.html")).all("a")
    assert links == [{"href": "dashboard.html"}]


def test_the_page_tells_what_was_asked(rendered, everything):
    text = Page(rendered).text
    assert "bold wins: mean R@1" in text
    assert "mind this" in text and "made of; T text, I image, V video" in text
    for heading in ("By task", "Difference from the baseline", "By modality", "In numbers", "Failures to look at", "The runs"):
        assert heading in text
    assert "a <b>cat</b> & a hat" in text  # a text of the data is shown as it is
    assert "<script>alert(1)</script>" in text
    assert "optimizer.lr" in text
    assert "rank elsewhere: bold" in text
    assert text.count("right one, rank 17") == 4  # two tasks of two recipes
    assert rendered.count("<details open>") == 1
    assert "Published" not in text
    for cell in (everything[1][0].main(name, task) for name in ("base", "bold") for task in everything[1][0].order):
        assert f"<b>{100 * cell.value:.1f}</b>" in rendered


def test_marks_stand_where_their_values_are(rendered, everything):
    styles = {attributes["style"] for attributes in Page(rendered).all("i", "dot") if "style" in attributes}
    for name in ("base", "bold"):
        for task in everything[1][0].order:
            assert f"left:{100 * everything[1][0].main(name, task).value:.2f}%" in styles


def test_tables_say_what_they_are_of_and_pictures_what_is_in_them(rendered, everything):
    page = Page(rendered)
    tables = rendered.split("<table")[1:]
    assert len(tables) > 8 and all("<caption>" in table.partition("</table>")[0] for table in tables)
    assert {attributes.get("scope") for attributes in page.all("th")} == {"col", "row"}
    alts = [attributes["alt"] for attributes in page.all("img")]
    assert "image of the query, q1: image with the text 'a <b>cat</b> & a hat'" in alts
    assert "image that is right, c9: image of 'a <b>cat</b> & a hat'" in alts and "video that is wrong, c0" in alts
    tracks = [attributes["aria-label"] for attributes in page.all("div", "track")]
    (suite,) = everything[1]
    for task in ("t2i", "it2v"):
        (values,) = (told for told in tracks if told.startswith(f"{task}. ") and "chance: " in told)
        assert all(f"{name}: {100 * suite.main(name, task).value:.1f} (" in values for name in ("base", "bold"))
    assert not any("role" not in attributes for attributes in page.all("div", "track"))


def test_cells_of_a_narrow_table_say_whose_they_are(rendered):
    numbers = rendered.partition('aria-label="Main metric')[2].partition("</table>")[0]
    rows = numbers.split("<tr")[2:]
    assert len(rows) == 5 and all(row.count('class="label"') == row.count("<td") for row in rows)
    assert all("base" in row and "bold" in row for row in rows)


def test_folders_are_told_from_where_they_part(write_run):
    first, second = write_run("sweep/a", make_suite()), write_run("sweep/b", make_suite(), config=make_config(0, optimizer={"lr": 1}))
    page = render_page(*compared(first, second), [])
    assert f"What was trained, in {first.resolve().parent}/" in page and '<span class="value">a</span>' in page


def test_one_run_alone_has_a_page(write_run):
    page = render_page(*compared(write_run("only", make_suite())), [])
    assert "Difference from the baseline" not in page
    assert "Not recorded for only" in page


def test_a_suite_without_pairs_and_one_with_published_figures(write_run):
    odd = SuiteResult("odd", {"s": make_task([1, 2], kind="subset")})
    care = make_suite(name="care", carebench_spatial_t2v=make_task([1]), carebench_temporal_t2v=make_task([2]))
    page = Page(render_page(*compared(write_run("a", odd, care)), []))
    assert "No modality pairs in this suite." in page.text
    assert "Published on CaReBench" in page.text


HOSTILE = [
    "<script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "' onfocus='alert(2)' x='",
    "</style><img src=x>",
    "a|b\n`c` {{ 7 * 7 }} &amp;",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_of_the_data_becomes_markup(write_run, hostile):
    """A hostile word in every place makes the same tags with the same attributes as a harmless one, and is shown as it is."""

    def page(folder, word):
        preview = Preview(f"text {word}", f"ask {word}", (("image", f"AA{word}"),))
        found = some_failures()
        failures = TaskFailures(found.failures, {"q1": preview}, dict.fromkeys(found.candidates, preview))
        task = f"task {word}"
        suites = [make_suite(0.3, at, 60, **{task: make_task([1, 2, 3 - at], kind="subset")}) for at in range(2)]
        first = write_run(f"{folder}/a", suites[0], failures={"t2i": failures, task: failures})
        config = make_config(0, optimizer={word: word}, init_from=word)
        second = write_run(f"{folder}/b", suites[1], config=config, failures={"t2i": failures})
        recipes, _ = group_runs([replace(run, name=f"run {word} {run.name}") for run in load_runs([str(first), str(second)])])
        return Page(render_page(recipes, compare(recipes), [f"note {word}"]))

    plain, found = page("plain", "harmless"), page("hostile", hostile)
    assert [(tag, set(attributes)) for tag, attributes in found.tags] == [(tag, set(attributes)) for tag, attributes in plain.tags]
    for place in ("text ", "ask ", "task ", "run ", "note ", "optimizer."):
        assert f"{place}{hostile}" in found.text
    titles = [attributes.get("title", "") for _, attributes in found.tags]
    assert any(title.startswith(f"run {hostile} b: ") for title in titles)


@needs_browser
@pytest.mark.parametrize("width", [1280, 390])
def test_a_browser_shows_it_at_any_width(rendered, tmp_path, width):
    path = tmp_path / "report.html"
    path.write_text(rendered)
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
    path.write_text(rendered)
    light, _ = browse(path, 800, tmp_path / "light.png")
    dark, _ = browse(path, 800, tmp_path / "dark.png", "--blink-settings=preferredColorScheme=0")
    assert light.mean() > 200
    assert dark.mean() < 70
