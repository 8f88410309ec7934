"""Parquet files and saved datasets with cells that are no values, and with class labels."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.curation.recipes.material import read_all, read_texts
from unite.curation.recipes.huggingface import HuggingFace
from unite.curation.recipes.text_pairs import TextPairs
from unite.errors import DataError


def strings(*values):
    """A column of strings that may be no UTF-8, which Arrow does not look at."""
    ends = np.cumsum([0, *map(len, values)]).astype(np.int32)
    return pa.Array.from_buffers(pa.string(), len(values), [None, pa.py_buffer(ends.tobytes()), pa.py_buffer(b"".join(values))])


def table(path, **columns):
    pq.write_table(pa.table({"anchor": ["a", "b", "c"], "positive": ["x", "y", "z"], **columns}), path)
    return TextPairs("t", path)


def test_a_string_that_is_no_utf_8_costs_its_row(tmp_path):
    found = read_texts(table(tmp_path / "a.parquet", positive=strings(b"x", b"caf\xe9", "猫".encode())))
    assert (found[0], found[2]) == (("a", "x"), ("c", "猫"))
    assert found[1].startswith("not UTF-8: positive of record 1 of a.parquet: 'utf-8' codec can't decode byte 0xe9")


@pytest.mark.parametrize(
    "times",
    [
        pa.array([0, 10**18, 1], pa.timestamp("us")),  # of the year 33658
        pa.array([0, 1, 2], pa.timestamp("us", tz="Mars/Olympus")),
        pa.array([0, 10**8, 1], pa.int32()).cast(pa.date32()),
    ],
)
def test_a_time_that_python_has_no_name_for_costs_no_row(tmp_path, times):
    assert read_texts(table(tmp_path / "a.parquet", time=times)) == [("a", "x"), ("b", "y"), ("c", "z")]


def test_nan_is_no_metadata(tmp_path):
    recipe = table(tmp_path / "a.parquet", score=pa.array([0.5, float("nan"), None]))
    assert [row.metadata for row in read_all(recipe)] == [{"score": "0.5"}, {}, {}]


def test_a_class_label_is_its_name(tmp_path):
    datasets = pytest.importorskip("datasets")
    label = datasets.ClassLabel(names=["red panda", "red fox"])
    features = {"text": datasets.Value("string"), "label": label, "labels": datasets.List(label), "in": {"label": label}}
    values = {"text": ["a", "b"], "label": [1, -1], "labels": [[0, 1], [1]], "in": [{"label": 0}, {"label": 1}]}
    whole = datasets.Dataset.from_dict(values, features=datasets.Features(features))
    whole.save_to_disk(str(tmp_path / "saved"))
    (tmp_path / "hub" / "data").mkdir(parents=True)
    whole.to_parquet(str(tmp_path / "hub" / "data" / "train-00000-of-00001.parquet"))
    for folder in ("saved", "hub"):
        for column, expected in {
            "label": [["red fox"], "empty content"],
            "labels": [["red panda", "red fox"], ["red fox"]],
            "in.label": [["red panda"], ["red fox"]],
        }.items():
            rows = read_all(HuggingFace("h", tmp_path / folder, query={"text": "text"}, positive={"text": column}))
            assert [row if isinstance(row, str) else [one.text for one in row.positives] for row in rows] == expected
    file = tmp_path / "hub" / "data" / "train-00000-of-00001.parquet"
    assert read_texts(TextPairs("t", file, anchor="text", positive="label")) == [("a", "red fox"), "empty field: label is empty"]


def test_a_saved_dataset_that_is_not_whole_is_told(tmp_path):
    datasets = pytest.importorskip("datasets")
    for name, spoil in {
        "none": lambda folder: None,
        "state": lambda folder: (folder / "state.json").write_text("{}"),
        "cut": lambda folder: [file.write_bytes(file.read_bytes()[:100]) for file in folder.glob("*.arrow")],
    }.items():
        rows = [] if name == "none" else ["a"]
        datasets.Dataset.from_dict({"a": rows, "b": rows}).save_to_disk(str(tmp_path / name))
        spoil(tmp_path / name)
        with pytest.raises(DataError, match="a dataset must be one saved by `save_to_disk`, whole and with rows, but is"):
            HuggingFace("h", tmp_path / name, query={"text": "a"}, positive={"text": "b"})
