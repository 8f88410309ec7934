"""Videos to names of classes."""

import json
from importlib.resources import files

import pytest

from unite.errors import ConfigError, DataError
from unite.evaluation.layouts.mmeb_v2.classification import VideoLabels


def test_the_published_lists_come_with_the_package():
    lists = json.loads(files("unite.evaluation.layouts.mmeb_v2").joinpath("labels.json").read_text(encoding="utf-8"))
    assert {name: len(set(labels)) for name, labels in lists.items()} == {"HMDB51": 51, "UCF101": 101, "Kinetics-700": 700, "Breakfast": 10}
    assert all(len(set(labels)) == len(labels) for labels in lists.values())
    assert [lists["HMDB51"][0], lists["UCF101"][1], lists["Kinetics-700"][0]] == ["ride_bike", "PlayingDaf", "waiting_in_line"]


def test_candidates_are_the_labels_of_the_rows_and_then_the_rest_of_the_list(suite):
    task = suite.load("Breakfast")
    rest = ["pancake", "cereal", "sandwich", "scrambledegg", "friedegg", "coffee", "milk", "salad"]
    assert list(task.candidate_ids) == ["juice", "tea", *rest]
    assert [content.stored.text for content in task.candidates] == list(task.candidate_ids)


def test_a_label_that_the_list_lacks_is_one_more_class_and_is_told(changed, caplog):
    task = changed("HMDB51", lambda rows: rows[0].update(pos_text="ride bike"))
    assert len(task.candidate_ids) == 52 and task.relevant["q00000"] == {"ride bike": 1}
    assert "HMDB51: labels that are not on the published list are classes of their own: ride bike." in caplog.text


def test_a_label_that_is_no_option_is_refused(changed):
    message = "pos_text in row 0 of rows/SmthSmthV2 .* must be one of its options, Closing something, Holding .*, but is 'Closing it'"
    with pytest.raises(DataError, match=message):
        changed("SmthSmthV2", lambda rows: rows[0].update(pos_text="Closing it"))
    with pytest.raises(DataError, match="neg_text in row 1 .* must be a list of texts, none of them empty"):
        changed("SmthSmthV2", lambda rows: rows[1].update(neg_text=["Moving it", ""]))


def test_an_unknown_list_is_refused():
    with pytest.raises(
        ConfigError, match="labels of a VideoLabels task must be one of Breakfast, HMDB51, Kinetics-700, UCF101, but is 'K400'"
    ):
        VideoLabels(folder="x", rows="x/x", frames="x", query_instruction="What?", labels="K400")
