import socket
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.curation.recipes.material import read_all
from tests.media.material import encoded, photograph
from unite.curation.recipes.huggingface import HuggingFace
from unite.errors import DataError

datasets = pytest.importorskip("datasets")
_SIDES = {"query": {"text": "text"}, "positive": {"image": "image"}}


def dataset(*texts):
    features = datasets.Features({"image": datasets.Image(), "text": datasets.Value("string")})
    return datasets.Dataset.from_dict({"image": [photograph(at) for at in range(len(texts))], "text": texts}, features=features)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A folder as on the hub: two files of one split, one of another. Nothing asks the network."""
    (tmp_path / "set" / "data").mkdir(parents=True)
    dataset("a", "b").to_parquet(str(tmp_path / "set/data/train-00000-of-00002.parquet"))
    dataset("c").to_parquet(str(tmp_path / "set/data/train-00001-of-00002.parquet"))
    dataset("d").to_parquet(str(tmp_path / "set/data/test-00000-of-00001.parquet"))
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a connection"))
    return tmp_path / "set"


def test_a_folder_as_on_the_hub(hub, monkeypatch):
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: pytest.fail("copied to the cache"))
    before = set(hub.rglob("*"))
    rows = read_all(HuggingFace("h", hub, **_SIDES))
    assert [row.query.text for row in rows] == ["a", "b", "c"]
    assert [row.positives[0].media[0].data for row in rows] == [encoded(photograph(at), "PNG") for at in (0, 1, 0)]
    assert [row.query.text for row in read_all(HuggingFace("h", hub, split="test", **_SIDES))] == ["d"]
    assert set(hub.rglob("*")) == before
    with pytest.raises(DataError, match="the split of .* must be one of test, train, but is 'validation'"):
        HuggingFace("h", hub, split="validation", **_SIDES)


def test_subsets_that_the_readme_tells_of(tmp_path):
    (tmp_path / "README.md").write_text(
        "---\nconfigs:\n- config_name: one\n  data_files: one/*.jsonl\n- config_name: two\n  data_files: two/*.jsonl\n---\n"
    )
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.jsonl").write_text(f'{{"q": "query {name}", "a": "answer"}}\n')
    sides = {"query": {"text": "q"}, "positive": {"text": "a"}}
    assert read_all(HuggingFace("h", tmp_path, subset="two", **sides))[0].query.text == "query two"
    with pytest.raises(DataError, match="Of a dataset with several subsets, set h.subset"):
        HuggingFace("h", tmp_path, **sides)


def test_splits_that_were_saved(tmp_path):
    datasets.DatasetDict({"train": dataset("a"), "test": dataset("b", "c")}).save_to_disk(str(tmp_path / "set"))
    recipe = HuggingFace("h", tmp_path / "set", split="test", **_SIDES)
    assert [row.query.text for row in read_all(recipe)] == ["b", "c"]
    assert recipe.fingerprint() != HuggingFace("h", tmp_path / "set", **_SIDES).fingerprint()


@pytest.mark.parametrize("make", [lambda folder: None, Path.mkdir, lambda folder: folder.write_text("a file")])
def test_what_is_no_dataset_is_told(tmp_path, make):
    make(tmp_path / "set")
    with pytest.raises(DataError, match="h.folder must be a dataset saved by `save_to_disk`, or a folder as on the hub .*, but is"):
        HuggingFace("h", tmp_path / "set", **_SIDES)


def test_the_split_that_was_saved_is_the_one_that_is_asked_for(tmp_path):
    datasets.DatasetDict({"test": dataset("b")})["test"].save_to_disk(str(tmp_path / "unnamed"))
    named = datasets.Dataset(dataset("b").data, info=dataset("b").info, split=datasets.Split.TEST)
    named.save_to_disk(str(tmp_path / "set"))
    for split in ("test", "train"):  # train, the default, is whatever the folder holds
        assert read_all(HuggingFace("h", tmp_path / "set", split=split, **_SIDES))[0].query.text == "b"
    with pytest.raises(DataError, match="the split of .*set must be one of test, but is 'validation'"):
        HuggingFace("h", tmp_path / "set", split="validation", **_SIDES)
    assert len(HuggingFace("h", tmp_path / "unnamed", split="validation", **_SIDES)) == 1


def test_a_folder_of_pictures_names_the_recipe_that_reads_it(tmp_path):
    photograph().save(tmp_path / "a.png")
    (tmp_path / "metadata.csv").write_text("file_name,text\na.png,a cat\n")
    with pytest.raises(DataError, match="h.folder must be a dataset in parquet, JSON or CSV, but is 'one with .*a.png'.*image_captions"):
        HuggingFace("h", tmp_path, **_SIDES)


@pytest.mark.parametrize("name", ["train.csv", "train.jsonl", "train.parquet"])
def test_class_labels_that_the_readme_tells_of(tmp_path, name):
    names = "{'0': red panda, '1': red fox}"
    features = f"[{{name: text, dtype: string}}, {{name: label, dtype: {{class_label: {{names: {names}}}}}}}]"
    (tmp_path / "README.md").write_text(f"---\ndataset_info:\n  features: {features}\n---\n")
    if name == "train.parquet":
        pq.write_table(pa.table({"text": ["a", "b"], "label": [1, 0]}), tmp_path / name)
    else:
        lines = "text,label\na,1\nb,0\n" if name.endswith("csv") else '{"text": "a", "label": 1}\n{"text": "b", "label": 0}\n'
        (tmp_path / name).write_text(lines)
    recipe = HuggingFace("h", tmp_path, query={"text": "text"}, positive={"text": "label"})
    assert [row.positives[0].text for row in read_all(recipe)] == ["red fox", "red panda"]
    before = recipe.fingerprint()
    (tmp_path / "README.md").write_text((tmp_path / "README.md").read_text().replace("red fox", "grey fox"))
    assert recipe.fingerprint() != before
