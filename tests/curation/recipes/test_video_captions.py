import pytest

from tests.curation.recipes.material import json_file, json_lines, parquet, read_all, read_texts
from tests.written import write_csv
from unite.curation.recipes.video_captions import VideoCaptions
from unite.errors import DataError


def test_video_captions(tmp_path):
    internvid = [
        {"YoutubeID": "abc", "Start_timestamp": "00:01:02.500", "End_timestamp": "00:01:05.000", "Caption": "a man runs", "UMT_Score": 0.4},
        {"YoutubeID": "abc", "Start_timestamp": "00:00:05.000", "End_timestamp": "00:00:05.000", "Caption": "nothing"},
        {"YoutubeID": "abc", "Start_timestamp": "soon", "End_timestamp": "later", "Caption": "nothing"},
    ]
    names = {"video": "YoutubeID", "caption": "Caption", "start": "Start_timestamp", "end": "End_timestamp", "video_suffix": ".mp4"}
    first, *skipped = read_all(VideoCaptions("v", json_lines(tmp_path / "i.jsonl", internvid), media_root=tmp_path, **names))
    (medium,) = first.positives[0].media
    assert (medium.path, medium.start, medium.end) == (f"{tmp_path}/abc.mp4", 62.5, 65.0)
    assert first.query.text == "a man runs" and first.metadata == {"UMT_Score": "0.4"}
    assert skipped == ["empty clip", "unreadable record"]
    tarsier = [{"video": {"file": "a.mp4", "start_time": 1.5, "end_time": -1}, "caption": "long"}]
    names = {"video": "video.file", "start": "video.start_time", "end": "video.end_time", "direction": "video_to_text"}
    (whole,) = read_all(VideoCaptions("v", json_file(tmp_path / "t.json", tarsier), **names))
    assert (whole.query.media[0].start, whole.query.media[0].end) == (1.5, None) and whole.positives[0].text == "long"


@pytest.mark.parametrize(
    ("start", "reason"), [("nan", "'nan' is no time"), ("inf", "'inf' is no time"), ("5", "it goes from 5.0 to 4.0 s")]
)
def test_a_clip_that_is_none(tmp_path, start, reason):
    file = write_csv(tmp_path / "v.csv", ["video", "caption", "start", "end"], [["v.mp4", "a", start, "4"]])
    (told,) = read_texts(VideoCaptions("v", file, start="start", end="end"))
    assert told.endswith(reason)


def test_a_clip_that_begins_before_the_video_begins_with_it(tmp_path):
    file = write_csv(tmp_path / "v.csv", ["video", "caption", "start", "end"], [["v.mp4", "a", "-3", "4"]])
    (medium,) = VideoCaptions("v", file, start="start", end="end").read(0).positives[0].media
    assert (medium.start, medium.end) == (None, 4.0)


@pytest.mark.parametrize("option", ["start", "end", "licence_column"])
@pytest.mark.parametrize("name", ["begin", "video.begin"])
def test_a_column_that_an_option_names_and_the_table_lacks_is_an_error(tmp_path, option, name):
    file = json_lines(tmp_path / "v.jsonl", [{"video": {"file": "v.mp4", "start": 1.5}, "caption": "a"}])
    message = f"such that {name} is among them.*found are: video, video.file, video.start, caption. Set v.{option}="
    with pytest.raises(DataError, match=message):
        VideoCaptions("v", file, video="video.file", **{option: name})


def test_a_field_that_only_a_late_record_has_is_there(tmp_path):
    records = [{"video": "v.mp4", "caption": "a"}] * 300 + [{"video": "v.mp4", "caption": "a", "start": 2, "rights": "CC0"}]
    recipe = VideoCaptions("v", json_lines(tmp_path / "v.jsonl", records), start="start", licence_column="rights", licence="other")
    first, last = recipe.read(0), recipe.read(300)
    assert (first.positives[0].media[0].start, first.licence) == (None, "other")
    assert (last.positives[0].media[0].start, last.licence) == (2.0, "CC0")


def test_a_column_with_a_dot_in_its_name(tmp_path):
    file = write_csv(tmp_path / "v.csv", ["video.file", "caption", "video.start"], [["v.mp4", "a", "2"]])  # as json_normalize writes it
    (medium,) = VideoCaptions("v", file, video="video.file", start="video.start").read(0).positives[0].media
    assert medium.path.endswith("v.mp4") and medium.start == 2.0


def test_a_field_of_a_field_in_parquet(tmp_path):
    file = parquet(tmp_path / "v.parquet", [{"video": {"file": "v.mp4", "start": 2.0}, "caption": "a"}])
    (medium,) = VideoCaptions("v", file, video="video.file", start="video.start").read(0).positives[0].media
    assert medium.path.endswith("v.mp4") and medium.start == 2.0
    with pytest.raises(DataError, match="such that video.begin is among them.*found are: video, video.file, video.start, caption"):
        VideoCaptions("v", file, video="video.file", start="video.begin")
