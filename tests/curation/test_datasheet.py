import hashlib
import json
import re
from collections import Counter
from html.parser import HTMLParser

import numpy as np
import pytest

from tests.browser import browse, needs_browser
from tests.curation.material import Rows, row
from tests.media.material import clip, image_medium, photograph, video_medium
from unite.curation.datasheet import distribution
from unite.curation.datasheet_page import render_page
from unite.curation.pipeline import Curation
from unite.curation.records import Funnel
from unite.curation.steps.exact_duplicates import ExactDuplicates
from unite.curation.steps.text_length import TextLength
from unite.errors import SkippedRowError
from unite.media.ready import RawMedium
from unite.types import Modality


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("sets") / "set"
    rows = [row("one two <three>", f"answer {at}") for at in range(5)]
    rows += [row("one two three", "", positive_media=[image_medium(photograph(at, 100 + at, 100))]) for at in range(3)]
    rows += [row("a clip of it", "", positive_media=[video_medium(clip(20, 10))]), row("short", "no"), rows[0]]
    recipe = Rows(rows, "one <source>")
    steps = [TextLength(min_words=2), ExactDuplicates()]
    sheet = Curation([recipe], steps, out=out, workers=1, progress=False, seed=3, samples_per_shard=2, config={"a": "<b>"}).run()
    return sheet, out


def test_counts_sizes_and_checksums_are_those_of_the_files(made):
    sheet, out = made
    shards = sorted(out.rglob("*.tar"))
    assert set(sheet["checksums"]) == {path.relative_to(out).as_posix() for path in shards} and len(shards) == 3 + 2 + 1
    for name, checksum in sheet["checksums"].items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == checksum
    assert sheet["totals"]["bytes"] == sum(path.stat().st_size for path in shards)
    assert sheet["pairs"] == {"text-to-text": 5, "text-to-image": 3, "text-to-video": 1}
    assert sheet["licences"] == {"not stated": 9} and sheet["duplicates"] == {"exact_duplicates: exact duplicate": 1}
    assert sheet["plan"]["seed"] == 3 and sheet["config"] == {"a": "<b>"} and sheet["plan"]["steps"][0]["min_words"] == 2
    assert sheet["distributions"]["query_words"]["count"] == 9 and sheet["distributions"]["positive_words"]["count"] == 5
    assert (
        sheet["distributions"]["video_seconds"]["median"] == 2.0
        and sheet["totals"]["image_bytes_in"] == sheet["totals"]["image_bytes_stored"]
    )


def funnels():
    """Fifteen sources of very different size; the steps that drop rows are more than there are colours."""
    steps = ["read", "text_length", "language", "image_size", "media", *(f"step_{at}" for at in range(7))]
    for at in range(15):
        funnel = Funnel(0 if at == 4 else 10 ** (2 + at % 5) + at)
        for number, step in enumerate(steps):
            if funnel.num_rows and (at + number) % 3 == 0:
                funnel.dropped[step, f"reason <{number}>"] = 3 + number
        yield f"source_{at}" if at else "a source with a long name <script> of somebody", funnel.steps(steps), funnel


@pytest.fixture(scope="module")
def many(made):
    """The datasheet of fifteen sources."""
    named = {name: (steps, funnel) for name, steps, funnel in funnels()}
    order = [step["step"] for step in next(iter(named.values()))[0]]
    total = Funnel.total(funnel for _, funnel in named.values()).steps(order)
    sources = {name: {"in": steps[0]["in"], "out": steps[-1]["out"], "funnel": steps} for name, (steps, _) in named.items()}
    folders = {f"{name}/text-to-image": next(iter(made[0]["folders"].values())) for name in named}
    plan = made[0]["plan"] | {"recipes": [{"name": name} for name in named]}
    return made[0] | {"funnel": total, "sources": sources, "folders": folders, "plan": plan}


def test_each_source_has_its_own_funnel_and_they_add_up(tmp_path):
    first = [row(f"one two {at}", "answer") for at in range(4)] + [row("one", "two")] * 2
    second = [row(f"one two {at}", "answer") for at in range(3)] + [SkippedRowError("unreadable record", "no JSON")]
    third = [row("three four", "", positive_media=[RawMedium(Modality.IMAGE, data=b"")])]
    recipes = [Rows(first, "first"), Rows(second, "second"), Rows(third, "third")]
    steps = [TextLength(min_words=1), ExactDuplicates()]
    sheet = Curation(recipes, steps, out=tmp_path / "set", workers=1, progress=False, max_unusable_share=1).run()
    left_out = {
        name: {step["step"]: step["dropped"] for step in one["funnel"] if step["dropped"]} for name, one in sheet["sources"].items()
    }
    assert left_out == {
        "first": {"exact_duplicates": {"exact duplicate": 1}},
        "second": {"read": {"unreadable record": 1}, "exact_duplicates": {"exact duplicate": 3}},  # of rows of the first
        "third": {"media": {"empty file": 1}},
    }
    assert {name: (one["in"], one["out"]) for name, one in sheet["sources"].items()} == {"first": (6, 5), "second": (4, 0), "third": (1, 0)}
    for at, step in enumerate(sheet["funnel"]):
        of = [one["funnel"][at] for one in sheet["sources"].values()]
        assert {one["step"] for one in of} == {step["step"]}
        assert (step["in"], step["out"]) == (sum(one["in"] for one in of), sum(one["out"] for one in of))
        assert Counter(step["dropped"]) == sum((Counter(one["dropped"]) for one in of), Counter())
    assert sheet == json.loads((tmp_path / "set" / "datasheet.json").read_text())


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


def test_a_set_of_one_source_has_one_funnel(made):
    assert "Funnel by source" not in render_page(made[0])


@needs_browser
@pytest.mark.parametrize("width", [1280, 390])
def test_a_browser_shows_fifteen_sources_at_any_width(many, tmp_path, width):
    path = tmp_path / "datasheet.html"
    path.write_text(render_page(many), encoding="utf-8")
    picture, (scroll, client, height, broken, _) = browse(path, width, tmp_path / "shot.png", height=2600)
    assert picture.shape == (2600, width, 3) and broken == 0
    assert scroll <= client == width  # nothing to scroll to at the side
    assert height > 1500
    for colour in ((59, 111, 212), (224, 123, 57), (201, 82, 122)):  # kept, and two of the steps
        assert (np.abs(picture.astype(int) - colour).sum(axis=2) < 30).sum() > 100


@pytest.mark.parametrize("values", [[3, 3, 3], [1, 2, 2, 7], [0.5, 40, 900, 1e5], np.random.default_rng(0).normal(size=500), [-5, 0.5, 9]])
def test_a_distribution_loses_no_value(values):
    one = distribution(values)
    assert sum(one["counts"]) == one["count"] == len(values) and len(one["edges"]) == len(one["counts"]) + 1
    assert (one["min"], one["max"]) == pytest.approx((min(values), max(values)), rel=1e-5)
    assert one["median"] == pytest.approx(np.median(values), rel=1e-5)


def test_whole_numbers_have_a_bin_each():
    one = distribution([1, 2, 2, 4])
    assert one["edges"] == [0.5, 1.5, 2.5, 3.5, 4.5] and one["counts"] == [1, 2, 0, 1]


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
    assert page == render_page(sheet) and not re.search(r"(src|href|url|@import)\s*[=(]|<script|https?://", page)
    assert re.findall(r"<h2>(.*?)</h2>", page)[:2] == ["Funnel", "What it holds"]
    assert "one <source>" in tags.text and "<source>" not in page  # what users name is escaped
    bars = [attributes for tag, attributes in tags.tags if tag == "rect" and attributes["class"] == "kept"]
    assert float(bars[0]["width"]) == 100 and float(bars[1]["width"]) == pytest.approx(100 * 10 / 11, abs=0.01)
    assert sum(tag == "figure" for tag, _ in tags.tags) == len(sheet["distributions"]) == 8
