import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.search.corpus.material import Embedding, a_moment_later
from unite.config.schema.embed import CorpusFormat, CorpusOptions
from unite.config.schema.vectors import Vectors
from unite.search.corpus import beside
from unite.search.corpus import embed as module
from unite.search.corpus.beside import write_beside
from unite.search.corpus.embed import embed_corpus
from unite.search.corpus.encoder import CorpusEncoder
from unite.search.corpus.stored import StoredCorpus


@pytest.fixture
def embed(tmp_path):
    (tmp_path / "a.csv").write_text("text,price\n" + "".join(f"text {at},{at}\n" for at in range(25)))
    embed = Embedding(tmp_path / "out", vectors=Vectors.int8)
    embed(str(tmp_path / "a.csv"))
    return embed


def test_parquet_files_hold_what_the_table_does(embed, monkeypatch):
    monkeypatch.setattr(beside, "ROWS_PER_FILE", 10)
    batches = StoredCorpus.batches
    monkeypatch.setattr(StoredCorpus, "batches", lambda self, columns: batches(self, columns, num_rows=5))
    write_beside(embed.stored, CorpusFormat.parquet, is_new=True)
    files = sorted((embed.out / "parquet").iterdir())
    assert [pq.read_metadata(file).num_rows for file in files] == [10, 10, 5]
    monkeypatch.undo()
    assert {row["id"]: row for file in files for row in pq.read_table(file).to_pylist()} == embed.rows()


def test_arrays_are_in_the_order_of_the_rows(embed):
    write_beside(embed.stored, CorpusFormat.npy, is_new=True)
    vectors = np.load(embed.out / "npy" / "vectors.npy", mmap_mode="r")
    rows = pq.read_table(embed.out / "npy" / "rows.parquet")
    assert vectors.dtype == np.int8 and "vector" not in rows.column_names
    assert [row["vector"] for row in embed.rows().values()] == vectors.tolist()
    assert rows.column("id").to_pylist() == list(embed.rows())


def test_they_are_written_again_where_the_corpus_changed_alone(embed, tmp_path):
    def call():
        encoder = CorpusEncoder("runs/fake", "fake", lambda: embed.encoder)
        embed_corpus(str(tmp_path / "a.csv"), embed.out, encoder, CorpusOptions(vectors=Vectors.int8), form=CorpusFormat.npy)
        return (embed.out / "npy" / "vectors.npy").stat().st_mtime_ns, len(np.load(embed.out / "npy" / "vectors.npy"))

    (tmp_path / "a.csv").open("a").write(",1\n")  # a row that is tried, and skipped, each time
    once = call()
    assert call() == once and once[1] == 25
    (tmp_path / "a.csv").write_text("text,price\nanother,1\n")
    a_moment_later(tmp_path / "a.csv")
    assert call()[1] == 1


def test_killed_before_they_were_written_they_are_by_the_next_call(embed, tmp_path, monkeypatch):
    def call():
        encoder = CorpusEncoder("runs/fake", "fake", lambda: embed.encoder)
        embed_corpus(str(tmp_path / "a.csv"), embed.out, encoder, CorpusOptions(vectors=Vectors.int8), form=CorpusFormat.npy)
        return len(np.load(embed.out / "npy" / "vectors.npy"))

    class Killed(BaseException):
        pass

    def killed(*given, **options):
        raise Killed

    assert call() == 25
    (tmp_path / "a.csv").write_text("text,price\nanother,1\n")
    a_moment_later(tmp_path / "a.csv")
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(module, "write_beside", killed)
        call()
    assert call() == 1
