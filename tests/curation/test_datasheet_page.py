import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from tests.browser import browse, needs_browser
from tests.curation.material import Rows, row
from tests.media.material import photograph
from unite.curation.datasheet import distribution
from unite.curation.datasheet_page import histogram, num_bytes, number, quantity, render_page
from unite.curation.examples import Example, Shown, SourceExamples, StepExamples
from unite.curation.pipeline import Curation
from unite.media.preview import Preview, preview
from unite.types import Content, Medium, Modality

OF_ROWS = (
    "caption ",
    "asked ",
    "answer ",
    "file ",
    "reason ",
    "detail ",
    "field ",
    "value ",
    "repeated ",
    "broken ",
    "language ",
    "script ",
)
HOSTILE = ["<script>alert(1)</script>", '" onload="alert(1)', "' onload='alert(2)", "</style><img src=x>", "a`b` {{ 7 * 7 }} &amp;"]


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = [], ""

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data


def test_the_page_stands_alone_and_tells_the_funnel_first(made):
    sheet, out = made
    page = (out / "datasheet.html").read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(page)
    assert not re.search(r"(href|url|@import)\s*[=(]|<script|https?://", page)
    assert {attributes["src"].partition(",")[0] for tag, attributes in tags.tags if tag == "img"} == {"data:image/jpeg;base64"}
    titles = re.findall(r"<h2>(.*?)</h2>", page)
    assert titles[:3] == ["Funnel", "What was left out, and what was kept", "What it holds"]
    assert re.findall(r"<h2>(.*?)</h2>", render_page(sheet)) == [*titles[:1], *titles[2:]]  # of the sheet alone
    assert "one <source>" in tags.text and "<source>" not in page  # what users name is escaped
    bars = [attributes for tag, attributes in tags.tags if tag == "rect" and attributes["class"] == "kept"]
    assert float(bars[0]["width"]) == 100 and float(bars[1]["width"]) == pytest.approx(100 * 10 / 11, abs=0.01)
    assert sum(tag == "figure" for tag, _ in tags.tags) == len(sheet["distributions"]) == 9


def test_the_page_draws_each_source_to_its_own_scale(many):
    page = render_page(many)
    assert "<script" not in page and "source_1, source_2 and 12 more" in page
    summaries = re.findall(r"<summary.*?</summary>", page.split("Funnel by source")[1].split("What it holds")[0], re.DOTALL)
    assert len(summaries) == 15
    for summary, source in zip(summaries, many["sources"].values(), strict=True):
        pieces = re.findall(r'<rect class="(\w+)" x="([\d.]+)" width="([\d.]+)"', summary)
        widths = [float(width) for _, _, width in pieces]
        assert sum(widths) == pytest.approx(100 if source["in"] else 0, abs=0.01 * len(widths))
        assert [float(x) for _, x, _ in pieces] == pytest.approx(np.cumsum([0, *widths[:-1]]), abs=0.01 * len(widths))
        assert pieces[0][0] == "kept" and widths[0] == pytest.approx(100 * source["out"] / max(source["in"], 1), abs=1e-3)
        assert len(pieces) - 1 == sum(step["in"] > step["out"] for step in source["funnel"])
    legend = re.search(r'<ul class="legend">.*?</ul>', page, re.DOTALL)[0]
    assert re.findall(r'class="(\w+)" width', legend) == ["kept", *(f"loss{at}" for at in range(8)), "rest"] and "other steps" in legend


def test_the_page_shows_rows_left_out_and_kept_with_their_reasons(made):
    page = (made[1] / "datasheet.html").read_text(encoding="utf-8")
    cards = re.findall(r"<article.*?</article>", page, re.DOTALL)
    kinds = [re.search(r'class="card (\w+)', card)[1] for card in cards]
    assert kinds == ["out", "in", "in", "out"]  # text_length beside two that were kept, exact_duplicates beside what it repeats
    short, *kept, twice = cards
    assert "text too short" in short and ">short</p>" in short and "<img" in kept[0] + kept[1]
    assert "exact duplicate" in twice and "what it repeats" in twice and twice.count("one two &lt;three&gt;</p>") == 2


def test_tables_say_what_they_are_of_and_plots_and_pictures_what_is_in_them(made):
    page = (made[1] / "datasheet.html").read_text(encoding="utf-8")
    tables = [part.partition("</table>")[0] for part in page.split("<table")[1:]]
    assert tables and all("<caption>" in table for table in tables) and not re.findall(r"<th(?! scope=)[ >]", page)
    assert re.search(r'aria-label="Words in a query: \d+ to \d+ words, median \d+, of \d+ values"', page)
    assert 'alt="image, with the text ' in page


def test_a_set_without_steps_says_so(tmp_path):
    sheet = Curation([Rows([row()], "one")], out=tmp_path / "set", workers=1, progress=False).run()
    page = (tmp_path / "set" / "datasheet.html").read_text(encoding="utf-8")
    assert "No steps were named: every row that could be read, with its media, is kept." in page and "Nothing was left out" in page
    assert "a feline</p>" in page and "It holds no media" in page and "No steps were named" in render_page(sheet)


def test_languages_of_each_source_are_shown(made):
    page = render_page(made[0])
    section = page.split("Languages and scripts")[1].split("</section>")[0]
    assert section.count('class="row tongue"') == 2 and "Latin 100 %" in section and "of 14" in section


def test_a_set_of_one_source_has_one_funnel(made):
    assert "Funnel by source" not in render_page(made[0])


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_of_the_data_becomes_markup(many, hostile):
    """A hostile word in every name makes the same tags with the same attributes as a harmless one, and is shown as it is."""

    def page(word):
        funnel = [{"step": f"step {at} {word}", "in": 90 - at, "out": 89 - at, "dropped": {f"why {word}": 1}} for at in range(12)]
        named = {f"source {word} {at}": {"in": 9, "out": 9, "funnel": funnel} for at in range(2)}
        plan = {
            "recipes": [{"name": f"title {word}"}],
            "steps": [{"name": f"step {word}", word: f"setting {word}"}],
            "seed": f"seed {word}",
        }
        sheet = many | {"funnel": funnel, "sources": named, "plan": plan, "config": {"key": word}, "duplicates": {f"like {word}": 2}}
        sheet |= {"folders": {f"folder {word}": next(iter(sheet["folders"].values()))}}
        sheet |= {"pairs": {f"pair {word}": 3}, "licences": {f"licence {word}": 3}, "checksum": f"sum {word}"}
        tongue = {"texts": 3, "languages": {f"language {word}": 1.0}, "scripts": {f"script {word}": 1.0}}
        sheet |= {"languages": {f"source {word} {at}": tongue for at in range(2)}}
        picture = Preview(f"caption {word}", f"asked {word}", ((f"image {word}", "/9j/"),))
        sides = (Shown(picture, (f"broken {word}",)), Shown(Preview(f"answer {word}")))
        example = Example(f"key {word}", sides, f"file {word}", f"reason {word}", f"detail {word}", {f"field {word}": f"value {word}"})
        twin = replace(example, like=f"repeated {word}", twin=sides)
        steps = (StepExamples(f"step 0 {word}", (example, twin), (example,)),)
        tags = Tags()
        tags.feed(render_page(sheet, [SourceExamples(f"source {word} 0", steps, (example,))]))
        return tags

    plain, found = page("harmless"), page(hostile)
    assert [(tag, set(attributes)) for tag, attributes in found.tags] == [(tag, set(attributes)) for tag, attributes in plain.tags]
    for place in ("step 0 ", "why ", "source ", "title ", "setting ", "seed ", "like ", "folder ", "pair ", "licence ", "sum ", *OF_ROWS):
        assert f"{place}{hostile}" in found.text


@pytest.mark.parametrize("values", [[1, 2, 2, 7], [0.5, 40, 900, 1e5], [3, 3]])
def test_bars_are_as_high_as_their_counts_and_the_median_is_in_its_own(values):
    found = distribution(values)
    plot = histogram("title", "words", found)
    assert [bar.height / 78 for bar in plot.bins] == pytest.approx([count / max(found["counts"]) for count in found["counts"]])
    (inside,) = [bar for bar in plot.bins if bar.x - 0.5 < plot.middle < bar.x + bar.width + 0.5]
    assert inside.low <= np.median(values) <= inside.high


def test_numbers_in_words():
    assert [number(value) for value in (0, 999, 1234567)] == ["0", "999", "1\N{THIN SPACE}234\N{THIN SPACE}567"]
    assert [num_bytes(value) for value in (999, 1234, 5e6, 2e9, 3e12)] == ["999 B", "1.2 kB", "5.0 MB", "2.0 GB", "3.0 TB"]
    assert [quantity(value) for value in (2.0, 0.1234, 123.4)] == ["2", "0.123", "123"]


@needs_browser
@pytest.mark.parametrize("width", [1280, 390])
def test_a_browser_shows_fifteen_sources_and_rows_of_them_at_any_width(many, tmp_path, width):
    path = tmp_path / "datasheet.html"
    frames = np.stack([np.asarray(photograph(at)) for at in range(4)])
    media = (Medium(Modality.IMAGE, frames[:1], 1), Medium(Modality.VIDEO, frames, 2, (0.0, 1.0, 2.0, 3.0)))
    sides = tuple(Shown(preview(Content("x" * 300, (medium,), "y " * 200)), ("gone",)) for medium in media)
    shown = Example("key", sides, "f" * 200, "reason " * 9, "/d" * 200, {"n" * 90: "v" * 90}, "like " * 9, sides)
    examples = [SourceExamples("source_1", (StepExamples("step_0", (shown, replace(shown, twin=())), (shown,)),), ())]
    path.write_text(render_page(many, examples), encoding="utf-8")
    picture, (scroll, client, height, broken, _) = browse(path, width, tmp_path / "shot.png", height=2600)
    assert picture.shape == (2600, width, 3) and broken == 0
    assert scroll <= client == width  # nothing to scroll to at the side
    assert height > 1500
    for colour in ((59, 111, 212), (224, 123, 57), (201, 82, 122)):  # kept, and two of the steps
        assert (np.abs(picture.astype(int) - colour).sum(axis=2) < 30).sum() > 100
