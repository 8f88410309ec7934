import hashlib
import html
import json
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from tests.curation.material import Rows, row
from tests.media.material import Shapeless, encoded, image_medium, photograph
from tests.media.video.films import film, scenery
from unite.curation.datasheet import distribution
from unite.curation.pipeline import Curation
from unite.curation.steps.exact_duplicates import ExactDuplicates
from unite.curation.steps.text_length import TextLength
from unite.errors import SkippedRowError
from unite.media.kind import Measure
from unite.media.ready import RawMedium
from unite.media.video import VideoKind
from unite.types import Modality


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


def test_a_kind_that_is_no_picture_is_measured_in_its_own_way(tmp_path, monkeypatch):
    monkeypatch.setattr(VideoKind, "load", lambda self, raw, policy: Shapeless(raw, policy))
    monkeypatch.setattr(VideoKind, "measures", (Measure("loudness", "Loudness", "dB", lambda facts: facts["num_bytes"] / 2),))
    rows = [row(f"number {at}", "", positive_media=[RawMedium(Modality.VIDEO, data=bytes(at + 1))]) for at in range(3)]
    sheet = Curation([Rows(rows)], [], out=tmp_path / "set", workers=1, progress=False).run()
    assert {name for name in sheet["distributions"] if name.startswith("video")} == {"video_loudness"}
    assert sheet["distributions"]["video_loudness"]["median"] == 1.0
    assert (sheet["totals"]["videos"], sheet["totals"]["videos_resized"], sheet["totals"]["video_bytes_in"]) == (3, 0, 6)


def test_nearly_uniform_images_are_counted_and_named(tmp_path, caplog):
    (tmp_path / "black.png").write_bytes(encoded(Image.new("RGB", (80, 60)), "PNG"))
    media = [RawMedium(Modality.IMAGE, str(tmp_path / "black.png")), image_medium(photograph()), image_medium(Image.new("L", (80, 60), 9))]
    rows = [row(f"number {at}", "", positive_media=[medium]) for at, medium in enumerate(media)]
    sheet = Curation([Rows(rows, "s")], [], out=tmp_path / "set", workers=1, progress=False).run()
    assert sheet["nearly_uniform"] == {"images": 2, "first": [f"s/000000000 {tmp_path}/black.png", "s/000000002"]}
    assert "2 images are nearly uniform, the first: s/000" in caplog.text
    assert "2 images are nearly uniform: s/000" in (tmp_path / "set" / "datasheet.html").read_text()
    assert sheet["distributions"]["image_contrast"]["min"] == 0


def test_videos_that_end_early_are_counted_and_named(tmp_path, caplog):
    data = film(scenery(50, 320, 240), tmp_path / "clip.mp4", codec="mpeg4", container_options={"movflags": "faststart"})
    (tmp_path / "short.mp4").write_bytes(data[: int(len(data) * 0.7)])
    media = [RawMedium(Modality.VIDEO, str(tmp_path / name)) for name in ("clip.mp4", "short.mp4")]
    rows = [row(f"number {at}", "", positive_media=[medium]) for at, medium in enumerate(media)]
    sheet = Curation([Rows(rows, "s")], [], out=tmp_path / "set", workers=1, progress=False).run()
    assert sheet["not_whole"]["media"] == 1
    (first,) = sheet["not_whole"]["first"]
    assert first.startswith(f"s/000000001 {tmp_path}/short.mp4 ends early, ")
    assert f"1 media are not whole, the first: {first}" in caplog.text
    assert f"1 media are not whole: {first}." in html.unescape((tmp_path / "set" / "datasheet.html").read_text())


@pytest.mark.parametrize("values", [[3, 3, 3], [1, 2, 2, 7], [0.5, 40, 900, 1e5], np.random.default_rng(0).normal(size=500), [-5, 0.5, 9]])
def test_a_distribution_loses_no_value(values):
    one = distribution(values)
    assert sum(one["counts"]) == one["count"] == len(values) and len(one["edges"]) == len(one["counts"]) + 1
    assert (one["min"], one["max"]) == pytest.approx((min(values), max(values)), rel=1e-5)
    assert one["median"] == pytest.approx(np.median(values), rel=1e-5)


def test_whole_numbers_have_a_bin_each():
    one = distribution([1, 2, 2, 4])
    assert one["edges"] == [0.5, 1.5, 2.5, 3.5, 4.5] and one["counts"] == [1, 2, 0, 1]
