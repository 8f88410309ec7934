"""Verdicts of the search page as a task, through its option in conf/suite."""

import pytest
from PIL import Image

from unite.config.schema.media import Decoding
from unite.data.labels import Label, LabelledContent, append_label
from unite.errors import ConfigError, DataError
from unite.evaluation.layouts.labelled_search import LabelledSearch
from unite.types import Modality


def judge(path, asked, judged, parts=None):
    """Labels for a query: row id -> (verdict, content)."""
    query = parts or [(LabelledContent(asked), 1.0)]
    for id, (verdict, row) in judged.items():
        append_label(path, Label(verdict, f"/?text={asked}", query, id, row))


@pytest.fixture
def labels(tmp_path):
    path = tmp_path / "labels.jsonl"
    picture = tmp_path / "seven.png"
    Image.new("RGB", (32, 32), (140, 140, 140)).save(picture)  # the knowing encoder reads it as 7
    seven = LabelledContent(media=((Modality.IMAGE, picture),))
    judge(path, "number 7", {"a": ("right", seven), "b": ("wrong", LabelledContent("number 8"))})
    judge(path, "number 9", {"c": ("right", LabelledContent("nine is 9")), "a": ("wrong", seven)})
    judge(path, "number 8", {"b": ("right", LabelledContent("number 8"))})
    judge(path, "number 3", {"d": ("wrong", LabelledContent("number 4"))})  # nothing is right
    judge(path, "of parts", {"e": ("right", LabelledContent("5"))}, [(LabelledContent("1"), 1.0), (LabelledContent("2"), -1.0)])
    return path


def test_an_encoder_that_knows_finds_what_people_called_right(labels, suite_of, knowing, constant):
    suite = suite_of("labelled_search", f"++suite.data_root={labels.parent}")
    result = suite.run(knowing)
    assert result.tasks["clicks"].metrics == {"hit@1": 1.0, "hit@5": 1.0, "mrr": 1.0, "ndcg@10": 1.0}
    assert result.tasks["clicks"].pair == "text->text+image"
    assert suite.run(constant).tasks["clicks"].metrics["hit@1"] < 1


def test_queries_and_candidates(labels):
    task = LabelledSearch(labels="labels.jsonl", query_instruction="Find it.").load("clicks", labels.parent, Decoding())
    assert [content.decode().text for content in task.queries] == ["number 7", "number 9", "number 8"]
    assert {content.decode().instruction for content in task.queries} == {"Find it."}
    assert task.candidate_ids == ["a", "b", "c", "d", "e"]
    assert task.relevance == {"q0": {"a": 1}, "q1": {"c": 1}, "q2": {"b": 1}}
    assert task.pools is None


def test_the_pool_of_what_was_judged_for_the_query(labels):
    task = LabelledSearch(labels="labels.jsonl", pool="judged").load("clicks", labels.parent, Decoding())
    assert task.pools == {"q0": ["a", "b"], "q1": ["c", "a"]}  # of the third nothing is wrong


def test_rows_of_two_corpora_with_one_id_are_two_candidates(tmp_path):
    judge(tmp_path / "l.jsonl", "one", {"0": ("right", LabelledContent("1"))})
    judge(tmp_path / "l.jsonl", "two", {"0": ("right", LabelledContent("2"))})
    task = LabelledSearch(labels="l.jsonl").load("clicks", tmp_path, Decoding())
    assert [content.decode().text for content in task.candidates] == ["1", "2"]
    assert task.relevance == {"q0": {"0": 1}, "q1": {"0~1": 1}}


def test_what_is_missing_is_told(labels, suite_of, knowing):
    missing = suite_of("labelled_search", f"++suite.data_root={labels.parent}", "suite.tasks.clicks.labels=no.jsonl")
    with pytest.raises(DataError, match=r"no.jsonl must be the file of labels of task clicks.*python -m unite.search"):
        missing.run(knowing)
    with pytest.raises(ConfigError, match="the pool of a LabelledSearch task must be one of all, judged"):
        LabelledSearch(labels="labels.jsonl", pool="some")
    (labels.parent / "seven.png").unlink()
    with pytest.raises(DataError, match="without 1 of 1 media"):
        LabelledSearch(labels="labels.jsonl").load("clicks", labels.parent, Decoding())
    labels.unlink()
    judge(labels, "number 3", {"d": ("wrong", LabelledContent("number 4"))})
    with pytest.raises(DataError, match="at least one query of one thing with a right row"):
        LabelledSearch(labels="labels.jsonl").load("clicks", labels.parent, Decoding())
