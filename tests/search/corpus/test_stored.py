"""A stored corpus: its table, and `facts.py`, `layout.py`, `lance.py` and `lock.py` by way of it."""

import json
import resource

import lancedb
import numpy as np
import pyarrow as pa
import pytest

from unite.config.schema.vectors import Vectors
from unite.errors import ConfigError, DataError
from unite.search.corpus.facts import FACTS, CorpusFacts, hexadecimal
from unite.search.corpus.layout import vector_column
from unite.search.corpus.stored import StoredCorpus
from unite.search.corpus.vectors import pack

FACTS_OF = {
    **{"encoder": "tiny", "checkpoint": "runs/x", "dim": 12},
    **{"encoder_fingerprint": hexadecimal(11), "prompt_fingerprint": hexadecimal(22)},
}


def embeddings_of(num, seed=0):
    made = np.random.default_rng(seed).normal(size=(num, 12)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def rows_of(ids, vectors=Vectors.float32, **columns):
    own = {
        "id": ids,
        "source": [f"/data/{id}" for id in ids],
        "modality": ["image" if place % 2 else "text" for place in range(len(ids))],
        "text": ["a text"] * len(ids),
        "fingerprint": list(range(len(ids))),
        "thumbnail": [b"jpeg" if place % 2 else None for place in range(len(ids))],
        "size": [1] * len(ids),
        "modified": [2] * len(ids),
    }
    return pa.table({**own, **columns, "vector": vector_column(pack(embeddings_of(len(ids)), vectors))})


@pytest.mark.parametrize("vectors", list(Vectors))
def test_rows_come_back_as_they_were_put(tmp_path, vectors):
    corpus = StoredCorpus.create(tmp_path, CorpusFacts(**FACTS_OF, vectors=vectors), {"price": "double", "kind": "string"})
    ids = [f"row {number}" for number in range(3000)]  # more than LanceDB returns at a time, or by default
    corpus.put(rows_of(ids, vectors, price=[0.5] * 3000))
    again = StoredCorpus(tmp_path)
    read = again.read(["id", "vector"])
    assert len(again) == 3000 and read.column("id").to_pylist() == ids
    np.testing.assert_array_equal(again.kept_vectors(read), pack(embeddings_of(3000), vectors))
    assert again.embeddings(read).shape == (3000, 12)
    assert again.columns == {"price": "double", "kind": "string"} and again.modalities == ["image", "text"]
    assert again.facts.vectors is vectors
    (row,) = again.rows(["row 7"])
    assert row["price"] == 0.5 and row["kind"] is None and row["thumbnail"] == b"jpeg" and "vector" not in row
    assert len(again.read(["id"], "modality = 'image'")) == 1500


def test_put_replaces_and_drop_removes(tmp_path):
    corpus = StoredCorpus.create(tmp_path, CorpusFacts(**FACTS_OF), {})
    corpus.put(rows_of(["a", "it's", "c"]))
    corpus.put(rows_of(["it's", "d"]).set_column(3, "text", pa.array(["new", "new"])))
    texts = {row["id"]: row["text"] for row in corpus.rows(["a", "it's", "c", "d"])}
    assert texts == {
        "a": "a text",
        "it's": "new",
        "c": "a text",
        "d": "new",
    }
    corpus.drop(["it's", "a"])
    assert sorted(corpus.read(["id"]).column("id").to_pylist()) == ["c", "d"]
    corpus.add_columns({"kind": "string"})
    corpus.add(rows_of(["e"], kind=["bird"]))
    assert [row["kind"] for row in corpus.rows(["c", "e"])] == [None, "bird"]
    corpus.optimize()
    assert len(corpus) == 3
    assert corpus.rows([]) == []


@pytest.mark.parametrize("bound", [300, 60_000])
def test_what_cannot_be_written_whole_is_told_and_leaves_the_table_as_it_was(tmp_path, bound):
    corpus = StoredCorpus.create(tmp_path, CorpusFacts(**FACTS_OF), {})
    corpus.put(rows_of(["a", "b"]))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bound, limits[1]))  # as a full disk does, it cuts what is written
    try:
        with pytest.raises(OSError, match="too large|not written whole"):
            corpus.put(rows_of([f"row {number} {'x' * 100}" for number in range(1000)]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert StoredCorpus(tmp_path).read(corpus.schema.names).column("id").to_pylist() == ["a", "b"]
    corpus.put(rows_of(["c"]))
    corpus.optimize()
    assert sorted(StoredCorpus(tmp_path).read(["id", "vector"]).column("id").to_pylist()) == ["a", "b", "c"]


def test_a_sample_that_a_full_disk_cut_is_forgotten(tmp_path):
    corpus = StoredCorpus.create(tmp_path, CorpusFacts(**FACTS_OF, vectors=Vectors.int8), {})
    exact = pa.table({"id": ["a"], "fingerprint": [1], "exact": [b"1234"]})
    corpus.put_exact(exact)
    corpus.put_exact(exact)
    assert corpus.exact().to_pylist() == exact.to_pylist()
    for path in (tmp_path / "sample.lance" / "data").iterdir():
        path.write_bytes(path.read_bytes()[:50])
    assert len(StoredCorpus(tmp_path).exact()) == 0
    corpus.put_exact(exact)
    assert len(corpus.exact()) == 1


def test_a_sample_that_is_cut_as_it_is_written_is_forgotten_at_once(tmp_path, monkeypatch, caplog):
    corpus = StoredCorpus.create(tmp_path, CorpusFacts(**FACTS_OF, vectors=Vectors.int8), {})
    exact = pa.table({"id": ["a"], "fingerprint": [1], "exact": [b"1234"]})
    create = lancedb.db.LanceDBConnection.create_table

    def cut(self, *arguments, **options):  # as a full disk did: Lance takes the file for whole
        create(self, *arguments, **options)
        for path in (tmp_path / "sample.lance" / "data").iterdir():
            path.write_bytes(path.read_bytes()[:50])

    with monkeypatch.context() as patch:
        patch.setattr(lancedb.db.LanceDBConnection, "create_table", cut)
        corpus.put_exact(exact)
    assert "was not written whole" in caplog.text and not (tmp_path / "sample.lance").exists()
    corpus.put_exact(exact)
    assert corpus.exact().to_pylist() == exact.to_pylist()


def test_a_row_that_is_not_there_is_told(tmp_path):
    corpus = StoredCorpus.create(tmp_path, CorpusFacts(**FACTS_OF), {})
    with pytest.raises(DataError, match="an id must be that of a row of .*, but is 'x'"):
        corpus.rows(["x"])


def test_another_encoder_is_refused(tmp_path):
    corpus = StoredCorpus.create(tmp_path, CorpusFacts(**FACTS_OF), {})
    corpus.check_made_by(11, 22)
    with pytest.raises(DataError, match="the encoder must be that which made the corpus .*take runs/x, or another folder"):
        corpus.check_made_by(12, 22)
    with pytest.raises(DataError, match="how the encoder reads"):
        corpus.check_made_by(11, 23)


def test_facts_are_noted(tmp_path):
    corpus = StoredCorpus.create(tmp_path, CorpusFacts(**FACTS_OF, decoding={"fps": 1.0}), {})
    corpus.note(is_whole=True, rows=3, recall_at_10=0.9)
    facts = StoredCorpus(tmp_path).facts
    assert (facts.is_whole, facts.rows, facts.recall_at_10, facts.decoding) == (True, 3, 0.9, {"fps": 1.0})


def test_no_corpus_and_damaged_ones_are_told(tmp_path):
    assert not StoredCorpus.is_in(tmp_path)
    with pytest.raises(DataError, match="the corpus must be a folder with corpus.json"):
        StoredCorpus(tmp_path)
    StoredCorpus.create(tmp_path, CorpusFacts(**FACTS_OF), {})
    assert StoredCorpus.is_in(tmp_path)
    told = json.loads((tmp_path / FACTS).read_text())
    (tmp_path / FACTS).write_text(json.dumps({**told, "format": 99}))
    with pytest.raises(DataError, match="the format of .* must be 1, but is 99"):
        StoredCorpus(tmp_path)
    (tmp_path / FACTS).write_text(json.dumps({**told, "vectors": "int4"}))
    with pytest.raises(DataError, match="is damaged"):
        StoredCorpus(tmp_path)
    (tmp_path / FACTS).write_text(json.dumps({"format": 1}))
    with pytest.raises(DataError, match="is damaged"):
        StoredCorpus(tmp_path)
    (tmp_path / FACTS).write_text(json.dumps(told))
    (tmp_path / "corpus.lance").rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="the table of the corpus .* cannot be opened"):
        StoredCorpus(tmp_path)


@pytest.mark.parametrize("name", ["vector", "id", "_score", "a.b", " ", "a`b", "a\0b", "a\ud800"])
def test_columns_with_names_of_the_corpus_are_refused(tmp_path, name):
    with pytest.raises(ConfigError, match=r"a column of metadata must be another name .*columns.rename"):
        StoredCorpus.create(tmp_path, CorpusFacts(**FACTS_OF), {name: "string"})
    assert not list(tmp_path.iterdir())
