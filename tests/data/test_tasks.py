import json

import pytest

from unite.data.rows import Row, StoredContent, StoredMedium
from unite.data.tasks import read_task, write_task
from unite.errors import DataError
from unite.types import Modality

PNG = StoredMedium(Modality.IMAGE, b"picture", "png")


def write(folder, **changes):
    fields = {
        "name": "pets",
        "queries": [Row(f"q{at}", StoredContent(f"pet {at}", instruction="find it")) for at in range(3)],
        "candidates": [Row(f"c{at}", StoredContent(media=(PNG,), group=f"g{at}")) for at in range(4)],
        "relevance": {"q0": {"c0": 1}, "q1": {"c1": 2, "c3": 1}, "q2": {"c2": 1, "c0": 0}},
        "query_modality": Modality.TEXT,
        "candidate_modality": Modality.IMAGE,
    }
    write_task(folder / "task", **{**fields, **changes})
    return folder / "task"


def test_a_task_comes_back_as_it_went_in(tmp_path):
    pools = {"q0": ["c0", "c1"], "q1": ["c3", "c1"], "q2": ["c2"]}
    task = read_task(write(tmp_path, pools=pools, metadata={"kind": "subset"}))
    assert task.name == "pets" and task.metadata == {"kind": "subset"} and task.pools == pools
    assert task.relevance == {"q0": {"c0": 1}, "q1": {"c1": 2, "c3": 1}, "q2": {"c2": 1, "c0": 0}}
    assert (task.query_modality, task.candidate_modality) == (Modality.TEXT, Modality.IMAGE)
    assert [row.key for row in task.queries] == ["q0", "q1", "q2"]
    assert list(task.candidates)[1] == Row("c1", StoredContent(media=(PNG,), group="g1"))


def test_without_pools_there_is_none(tmp_path):
    assert read_task(write(tmp_path)).pools is None


def test_labels_of_some_candidates_come_back(tmp_path):
    labels = {"c0": {"region": "north", "unit": "u"}, "c3": {"region": "south"}}
    assert read_task(write(tmp_path, labels=labels)).labels == labels
    assert read_task(write(tmp_path / "other")).labels is None


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"c9": {"region": "north"}}, "a candidate in the labels of task pets must be the id of one of its 4 candidates, but is 'c9'"),
        ({"c0": {"region": ["north"]}}, "the labels of task pets must be a group's name for each attribute .*Write them as"),
        ({"c0": "north"}, "the labels of task pets must be a group's name for each attribute"),
        ({"c0": {"region": ""}}, "the labels of task pets must be a group's name for each attribute"),
    ],
)
def test_labels_of_unknown_candidates_and_of_another_form_are_refused(tmp_path, labels, message):
    with pytest.raises(DataError, match=message):
        write(tmp_path, labels=labels)
    folder = write(tmp_path)
    (folder / "labels.json").write_text(json.dumps(labels))
    with pytest.raises(DataError, match=message):
        read_task(folder)


def test_equal_tasks_give_equal_bytes(tmp_path):
    folders = [write(tmp_path / name) for name in "ab"]
    files = [[path.read_bytes() for path in sorted(folder.rglob("*.*"))] for folder in folders]
    assert files[0] == files[1] and len(files[0]) == 6


def no_relevant(query):
    return {"q0": {"c0": 1}, "q1": {"c1": 1}, "q2": {"c2": 1}} | {query: {"c1": 0}}


WRONG = [
    ({"queries": []}, "the queries of task pets must be at least one, but is 0"),
    ({"relevance": {"q0": {"c0": 1}, "q1": {"c1": 1}}}, "query 'q2' of task pets must be given a relevant candidate"),
    ({"relevance": no_relevant("q1")}, "query 'q1' of task pets must be given a relevant candidate, but is \"given {'c1': 0}\""),
    ({"relevance": no_relevant("q9")}, "a query in the relevance of task pets must be the id of one of its 3 queries, but is 'q9'"),
    ({"relevance": {"q0": {"c7": 1}}}, "relevance of query 'q0' of task pets must be the id of one of its 4 candidates, but is 'c7'"),
    ({"pools": {"q0": []}}, "the pool of query 'q0' of task pets must be at least one candidate, but is 'empty'"),
    ({"pools": {"q0": ["c0", "c0"]}}, "the pool of query 'q0' of task pets must be unique, but is 'c0 more than once'"),
    ({"pools": {"q0": ["c0", "c8"]}}, "a candidate in the pool of query 'q0' of task pets must be the id of one"),
    ({"pools": {"q0": ["c1"]}}, "the pool of query 'q0' of task pets must be with all relevant candidates in it, but is 'without c0'"),
    ({"pools": {"q8": ["c1"]}}, "a query in the pools of task pets must be the id of one of its 3 queries, but is 'q8'"),
    ({"query_modality": Modality.VIDEO}, r"a query of task pets \(q0\) must be video, but is 'text'"),
    ({"candidates": [Row("c0", StoredContent())]}, r"a candidate of task pets \(c0\) must be image, but is 'empty'"),
    ({"queries": [Row("q0", StoredContent("a"), (StoredContent("b"),))]}, "must be a row with one content, in query"),
    ({"queries": 2 * [Row("q0", StoredContent("a"))]}, "the key of a row must be unique in its folder, but is 'q0'"),
]


@pytest.mark.parametrize(("changes", "message"), WRONG)
def test_an_inconsistent_task_is_refused_and_leaves_nothing(tmp_path, changes, message):
    with pytest.raises(DataError, match=message):
        write(tmp_path, **changes)
    assert list(tmp_path.iterdir()) == []


def test_what_was_changed_on_disk_is_noticed(tmp_path):
    folder = write(tmp_path)
    relevance = folder / "relevance.json"
    relevance.write_text(json.dumps({"q0": {"c0": 1}, "q1": {"c1": 1}, "q2": {"c9": 1}}))
    with pytest.raises(DataError, match="must be the id of one of its 4 candidates, but is 'c9'"):
        read_task(folder)
    relevance.write_text("{")
    with pytest.raises(DataError, match=r"relevance.json cannot be read .* Build or copy the task again"):
        read_task(folder)
    relevance.write_text("[]")
    with pytest.raises(DataError, match="relevance.json must be a JSON object, but is 'list'"):
        read_task(folder)


def test_an_id_that_stands_in_two_shards_is_noticed(tmp_path):
    folder = write(tmp_path)
    shard = folder / "candidates" / "shard-000000.tar"
    (folder / "candidates" / "shard-000001.tar").write_bytes(shard.read_bytes())
    with pytest.raises(DataError, match="the ids of the candidates of task pets must be unique, but is 'c0 more than once'"):
        read_task(folder)


def test_a_folder_that_is_no_task_is_named(tmp_path):
    with pytest.raises(DataError, match=r"a task must be a folder with a task.json, but is '.*nowhere'. Build or copy it first"):
        read_task(tmp_path / "nowhere")
    (folder := write(tmp_path)).joinpath("task.json").write_text('{"name": "pets"}')
    with pytest.raises(DataError, match="task.json must be an object with 'query_modality'"):
        read_task(folder)


def test_a_task_is_not_written_over(tmp_path):
    write(tmp_path)
    with pytest.raises(DataError, match="must be one that is not there yet, but is .* Remove it to write it again"):
        write(tmp_path)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("relevance", {"q1": {"c1": "1"}}, "the relevance of query 'q1' of task pets must be a number for each candidate's id"),
        ("relevance", {"q1": ["c1"]}, "the relevance of query 'q1' of task pets must be a number for each candidate's id"),
        ("pools", {"q2": "c2"}, "the pool of query 'q2' of task pets must be a list of candidates' ids, but is \"'c2'\""),
        ("pools", {"q2": [["c2"]]}, "the pool of query 'q2' of task pets must be a list of candidates' ids"),
        ("pools", {"q2": 5}, "the pool of query 'q2' of task pets must be a list of candidates' ids, but is '5'"),
        ("task", {"metadata": {"metrics": ["mrr"]}}, "the metadata 'metrics' of task pets must be a text, but is"),
        ("task", {"metadata": None}, "the metadata of task pets must be an object of texts, but is 'None'"),
    ],
)
def test_values_of_another_kind_are_named(tmp_path, file, change, message):
    path = write(tmp_path, pools={"q0": ["c0"], "q1": ["c3", "c1"], "q2": ["c2"]}) / f"{file}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DataError, match=message):
        read_task(path.parent)
