"""A corpus in a store, here fsspec's and LanceDB's own memory, and the places themselves. Also `lock.py` there."""

import json
import os
import platform
import subprocess

import fsspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.search.corpus.material import Embedding, a_moment_later, picture
from unite.config.schema.embed import CorpusFormat, CorpusOptions
from unite.config.schema.index import IndexKind, IndexOptions
from unite.config.schema.vectors import Vectors
from unite.errors import ConfigError, DataError
from unite.search.corpus import embed as module
from unite.search.corpus.embed import embed_corpus
from unite.search.corpus.encoder import CorpusEncoder
from unite.search.corpus.lock import held, holder
from unite.search.corpus.place import Place
from unite.search.index.build import build_index
from unite.search.index.index import Index

MEMORY = fsspec.filesystem("memory")


@pytest.fixture
def store(tmp_path):
    """An address of its own in memory."""
    yield f"memory://{tmp_path.name}"
    MEMORY.rm(f"/{tmp_path.name}", recursive=True) if MEMORY.exists(f"/{tmp_path.name}") else None


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    for at in range(6):
        picture(folder / f"{at}.png", 30 * at)
    (folder / "3.txt").write_text("a grey wall")
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


def names(store):
    return sorted(path.rpartition("/")[2] for path in MEMORY.find(store.partition("://")[2]))


@pytest.mark.parametrize("vectors", [Vectors.float32, Vectors.int8])
def test_a_corpus_in_a_store_is_that_on_disk_and_follows_its_sources(photos, store, tmp_path, vectors):
    there, here = Embedding(store, vectors=vectors), Embedding(tmp_path / "here", vectors=vectors)
    for embed in (there, here):
        embed(str(photos), rows_per_part=2)
    assert there.rows() == here.rows() and len(there.rows()) == 6
    assert there.stored.facts == here.stored.facts and there.outcome == here.outcome
    assert names(store) == ["corpus.json", "skipped.jsonl"]  # and the table, which is LanceDB's
    assert json.loads(MEMORY.cat(f"{store}/skipped.jsonl"))["id"] == "broken.png"
    assert f"named in {store}/skipped.jsonl" in " ".join(there.outcome.told(store))
    there(str(photos), state="files 1")
    assert there.num_embedded == 0 and there.outcome.unchanged == 6
    (photos / "0.png").unlink()
    (photos / "broken.png").unlink()
    picture(photos / "1.png", 222)
    a_moment_later(photos / "1.png")
    for embed in (there, here):
        embed(str(photos))
    assert there.outcome.dropped == 1 and there.rows() == here.rows() and names(store) == ["corpus.json"]


def test_broken_off_it_goes_on_with_what_was_embedded(photos, store, monkeypatch):
    embed = Embedding(store, rows_per_part=2)

    class Killed(BaseException):
        pass

    def killed(*given, **options):
        raise Killed

    monkeypatch.setattr(module._Call, "_finish", killed)
    with pytest.raises(Killed):
        embed(str(photos))
    monkeypatch.undo()
    assert embed.num_embedded == 6 and not embed.stored.facts.is_whole and len(embed.stored) == 0
    assert [name.startswith("part-") for name in names(store)].count(True) == 3
    embed(str(photos))
    assert embed.num_embedded == 0 and embed.stored.facts.is_whole and len(embed.rows()) == 6 and "corpus.json" in names(store)


@pytest.mark.parametrize("form", [CorpusFormat.parquet, CorpusFormat.npy])
def test_other_forms_are_taken_over_and_written_again_where_one_is_missing(photos, store, form):
    def call():
        encoder = CorpusEncoder("runs/fake", "fake", lambda: embed.encoder)
        embed_corpus(str(photos), store, encoder, CorpusOptions(), form=form)
        return {path: facts["created"] for path, facts in MEMORY.find(f"{store}/{form}", detail=True).items()}

    embed = Embedding(store)
    embed(str(photos))
    once = call()
    (last,) = [path for path in once if path.endswith("parquet")]
    assert call() == once
    assert {row["id"] for row in pq.read_table(last, filesystem=MEMORY).to_pylist()} == set(embed.rows())
    if form is CorpusFormat.npy:
        with MEMORY.open(f"{store}/npy/vectors.npy") as file:
            np.testing.assert_array_equal(np.load(file), [row["vector"] for row in embed.rows().values()])
    MEMORY.rm_file(last)  # as of a call that was killed as it wrote
    MEMORY.pipe_file(f"{store}/{form}/of a larger one", b"")
    again = call()
    assert set(again) == set(once) and again != once


def test_it_is_indexed_and_searched_there(photos, store):
    embed = Embedding(store)
    embed(str(photos))
    record = build_index(store, IndexOptions(kind=IndexKind.exact))
    index = Index(store)
    assert index.record == record and record.rows == 6
    row = embed.rows()["3.png"]
    (hit,) = index.search(np.array(row["vector"], np.float32), k=1)
    assert hit.id == "3.png" and hit.score == pytest.approx(1, abs=1e-5) and hit.thumbnail == row["thumbnail"]
    assert [hit.id for hit in index.search(words="grey wall")] == ["3.png"]
    (photos / "3.png").unlink()
    embed(str(photos))
    assert len(index) == 5 and not index.search(words="grey wall")


def test_one_process_alone_writes_to_a_store(photos, store):
    embed = Embedding(store)
    with held(store):
        assert holder(store).startswith(f"process {os.getpid()} on {platform.node()} since 20")
        with pytest.raises(DataError, match=rf"one that no other process writes to.*If that process is gone, remove {store}/lock"):
            embed(str(photos))
    assert names(store) == [] and holder(store) == "another process"
    embed(str(photos))


@pytest.mark.parametrize("is_of_this_machine", [True, False])
def test_the_lock_that_a_killed_process_left_is_removed_where_it_is_known_to_be_gone(store, is_of_this_machine):
    gone = subprocess.Popen(["true"])
    gone.wait(30)
    host = platform.node() if is_of_this_machine else "another"
    told = {"told": f"process {gone.pid} on {host}", "host": host, "process": gone.pid, "key": "k"}
    MEMORY.pipe_file(f"{store}/lock", json.dumps(told).encode())
    if is_of_this_machine:
        with held(store):
            assert f"process {os.getpid()} on" in holder(store)
    else:
        with pytest.raises(DataError, match=f"held by process {gone.pid} on another"), held(store):
            pass
    assert names(store) == ([] if is_of_this_machine else ["lock"])


def test_a_lock_that_another_process_made_meanwhile_stays(store, monkeypatch):
    """Two find the same lock of a process that is gone; the other has removed it and made its own by the time this one may remove it."""
    left = {"told": "process 1", "host": platform.node(), "process": 2**30, "key": "k"}
    MEMORY.pipe_file(f"{store}/lock", json.dumps(left).encode())
    claim = Place.claim

    def other_first(self, data):
        if self.name == "lock-k":
            MEMORY.pipe_file(f"{store}/lock", json.dumps({**left, "told": "the other", "key": "l"}).encode())
        return claim(self, data)

    monkeypatch.setattr(Place, "claim", other_first)
    with pytest.raises(DataError, match="held by the other"), held(store):
        pass
    assert names(store) == ["lock"]


def test_tables_of_a_store_are_read_for_a_corpus_in_one_but_not_by_actors(store):
    MEMORY.pipe_file(f"{store}/in/a.csv", b"id,text\na,one\nb,two\n")
    embed = Embedding(f"{store}/out")
    embed(f"{store}/in/a.csv")
    assert sorted(embed.rows()) == ["a", "b"] and embed.rows()["a"]["source"] == f"{store}/in/a.csv#0"
    with pytest.raises(ConfigError, match="tables for engine=ray and out in a store must be on a disk that all machines share"):
        embed(f"{store}/in/a.csv", ray_workers=1)


@pytest.mark.parametrize(
    "where", ["http://host/a", "sftp://host/a", "simplecache::s3://bucket/a", "local:///tmp/a", "s3://", "gs:///", "s3:", "s3:/bucket/a"]
)
def test_other_places_are_refused(where):
    with pytest.raises(
        ConfigError, match="the place of a corpus must be a path, or an address that begins with s3://<bucket>, gs://<bucket>, az://"
    ):
        Place.of(where)


def test_a_store_whose_package_is_missing_is_told(monkeypatch):
    def missing(protocol):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.core.get_filesystem_class", missing)
    with pytest.raises(ConfigError, match=r"s3://bucket/a cannot be opened \(Install s3fs to access S3\)"):
        Place.of("s3://bucket/a")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError("Access Denied"), r"the store of {}/lock refuses \(Access Denied\)"),
        (
            FileNotFoundError("The specified bucket does not exist"),
            r"{}/lock cannot be written \(The specified .*Make the bucket first",
        ),
    ],
)
def test_what_a_store_refuses_is_told(store, monkeypatch, error, told):
    def refused(*given, **options):
        raise error

    monkeypatch.setattr(MEMORY, "pipe_file", refused)
    with pytest.raises(DataError, match=told.format(store)), held(store):
        pass


def test_places_on_disk_are_paths(tmp_path):
    place = Place.of(f"file://{tmp_path}")
    assert place.is_local and place.path == tmp_path and place.lance == str(tmp_path) and Place.of(tmp_path / "a") == place / "a"
    assert (place / "a").state() == "" and place.glob("*") == []
    (place / "a").write(b"one")
    assert (place / "a").read_text("utf-8") == "one" and [file.name for file in place.glob("a*")] == ["a"]
    (place / "a").remove()
    assert not (place / "a").is_file()
