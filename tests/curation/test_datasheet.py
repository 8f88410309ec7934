import hashlib
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from tests.curation.material import Rows, clip, image_medium, photograph, row, video_medium
from unite.curation.datasheet import distribution
from unite.curation.datasheet_page import render_page
from unite.curation.pipeline import Curation
from unite.curation.steps.exact_duplicates import ExactDuplicates
from unite.curation.steps.text_length import TextLength


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
