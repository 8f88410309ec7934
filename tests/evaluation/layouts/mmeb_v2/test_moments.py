"""Clips of videos."""

import shutil

import pytest

from tests.evaluation.layouts.mmeb_v2.material import write_frames
from unite.errors import DataError
from unite.evaluation.layouts.source import MissingTaskError
from unite.types import Modality


def film(root, *parts):
    return root.joinpath("MMEB-V2", "video-tasks", "frames", "video_mret", "QVHighlight", "film", *parts)


def load(suite, root):
    return suite.tasks["QVHighlight"].load("QVHighlight", root, suite.decoding)


def test_rows_of_one_video_share_its_clips_and_its_positive(suite):
    task = suite.load("QVHighlight")
    assert task.pools["q00000"] == task.pools["q00002"] and task.pools["q00001"] == ["other/negative_0", "other/positive_0"]
    assert [list(grades) for grades in task.relevant.values()] == [["film/positive_0"], ["other/positive_0"], ["film/positive_0"]]


def test_files_and_hidden_folders_are_no_clips(changed, suite, tmp_path):
    changed("QVHighlight")
    film(tmp_path, "notes.txt").write_text("x")
    write_frames(film(tmp_path, ".cache"), 0, 2)
    assert load(suite, tmp_path).pools["q00000"] == ["film/negative_2", "film/negative_10", "film/positive_0"]


def test_a_missing_positive_or_query_is_counted_and_two_positives_are_refused(changed, suite, tmp_path):
    changed("QVHighlight")
    shutil.rmtree(film(tmp_path, "positive_0"))
    shutil.rmtree(film(tmp_path, "query"))
    with pytest.raises(MissingTaskError, match=r"without 2 of 7 media: \S*film/query, \S*film/positive'"):
        load(suite, tmp_path)
    changed("QVHighlight")
    write_frames(film(tmp_path, "positive_1"), 0, 2)
    with pytest.raises(DataError, match=r"the clips of row 0 .* must be one of them named positive\.\.\.,.*positive_0.*positive_1"):
        load(suite, tmp_path)


def test_queries_of_momentseeker_are_of_three_kinds_and_every_positive_counts(suite):
    task = suite.load("MomentSeeker")
    queries = [query.decode() for query in task.queries]
    text, image, video = Modality.TEXT, Modality.IMAGE, Modality.VIDEO
    assert [query.modality for query in queries] == [text | video, text | image, text]
    assert [query.text for query in queries] == [
        "<|VIDEO|> <|INSTRUCTION|> the man enters",
        "<|IMAGE|> <|INSTRUCTION|> the same coat",
        "<|INSTRUCTION|> a goal is shot",
    ]
    assert [query.instruction for query in queries] == [
        "Find the clip that corresponds to the given sentence and video segment:",
        "Select the video clip that aligns with the given text and image:",
        "Find the clip that corresponds to the given text:",
    ]
    assert queries[1].media[0].frames[0, 0, 0].tolist()[2] > 190  # query_ego/5.jpg
    assert [sorted(grades) for grades in task.relevant.values()] == [["movie101_77_1", "movie101_77_4"], ["ego_5_0"], ["ego_5_1"]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positive_frames": []}, "positive_frames in row 1 of rows/MomentSeeker .* must be at least one clip, but is 'empty'"),
        ({"positive_frames": ["ego/5_0.mp4"]}, "positive_frames in row 1 .* must be a list of clips with an output_path each"),
        ({"negative_frames": [{"path": "x"}]}, "negative_frames in row 1 .* must be a list of clips with an output_path each"),
        ({"query": None}, "query in row 1 .* must be there and not empty"),
        ({"query": ["who"]}, r"query in row 1 of rows/MomentSeeker .* must be a text, but is \"\['who'\]\""),
        ({"input_frames": ["ego/5.mp4"]}, "input_frames in row 1 of rows/MomentSeeker .* must be a path, or empty, but is .*ego/5.mp4"),
        ({"negative_frames": [{"output_path": 5}]}, "negative_frames in row 1 .* must be a list of clips with an output_path each"),
        ({"positive_frames": [{"output_path": "ego/9_0.mp4"}]}, r"without 1 of \d media: \S*video_frames/ego_9_0"),
        ({"input_frames": "ego/6.jpg"}, r"without 1 of \d media: \S*MomentSeeker/query_ego/6\.jpg"),
    ],
)
def test_a_broken_row_of_momentseeker_is_named(change, message, changed):
    with pytest.raises(DataError, match=message):
        changed("MomentSeeker", lambda rows: rows[1].update(change), ".json")
