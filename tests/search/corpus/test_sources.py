"""Every kind of source, on disk and in a store, and which of them an address is. Also `folder.py`, `tables.py`,
`lance_table.py`, `shards.py`, `rows.py`, `corpus.py`."""

import io
import json
import os
import tarfile

import fsspec
import lancedb
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.search.corpus.material import Embedding, a_moment_later, picture
from unite.config.schema.embed import ColumnsConfig
from unite.config.schema.media import Decoding
from unite.data.rows import Row, StoredContent, StoredMedium
from unite.data.shards import ShardWriter
from unite.errors import ConfigError, DataError
from unite.search.corpus.sources import open_corpus
from unite.types import Modality


def png(brightness):
    file = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), brightness, np.uint8)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def opened(tmp_path):
    def open_it(corpus, **columns):
        return open_corpus(corpus if isinstance(corpus, dict) else str(corpus), ColumnsConfig(**columns), tmp_path / "scratch")

    return open_it


def rows_of(corpus):
    """Id -> (text, brightness of each medium, metadata); what cannot be read is its error."""
    found = {}
    for position, id in enumerate(corpus.survey().ids):
        try:
            row = corpus.row(position)
            content = row.content(Decoding(), "", media_alone=False).decode()
            found[id] = (row.text, [int(medium.frames.mean()) for medium in content.media], dict(row.metadata))
        except DataError as error:
            found[id] = str(error)
    return found


def test_a_folder_gives_its_pictures_with_their_captions(tmp_path, opened):
    picture(tmp_path / "photos" / "b.png", 20)
    picture(tmp_path / "photos" / "in" / "a.JPG", 10)
    (tmp_path / "photos" / "b.txt").write_text("\ufeffgrey \n", encoding="utf-8")
    (tmp_path / "photos" / "c.txt").write_text("of nobody")
    (tmp_path / "photos" / "notes.md").write_text("no row")
    picture(tmp_path / "photos" / ".hidden" / "d.png", 30)
    corpus = opened(tmp_path / "photos")
    assert rows_of(corpus) == {"b.png": ("grey", [20], {}), "in/a.JPG": ("", [10], {})}
    assert corpus.row(0).source == str(tmp_path / "photos" / "b.png")
    assert {reason for reason, _ in corpus.left()} == {"missing file", "of no sample"}
    before = corpus.survey()
    a_moment_later(tmp_path / "photos" / "b.txt")
    after = opened(tmp_path / "photos").survey()
    assert after.modified[0] > before.modified[0] and after.modified[1] == before.modified[1]


def test_a_caption_that_is_no_utf8_is_told(tmp_path, opened):
    picture(tmp_path / "photos" / "a.png", 20)
    (tmp_path / "photos" / "a.txt").write_bytes(b"caf\xe9")
    assert "a.txt is not in UTF-8" in rows_of(opened(tmp_path / "photos"))["a.png"]


def test_columns_of_csv_are_guessed_and_have_types(tmp_path, opened, caplog):
    picture(tmp_path / "img" / "a.png", 20)
    (tmp_path / "a.csv").write_text(
        "ID,Caption,image_path,price,sold,code,mixed\nx,one,img/a.png,1.5,true,007,1\ny,two,,2,false,010,b\nz,,img/b.png,,,,\n"
    )
    with caplog.at_level("INFO"):
        corpus = opened(tmp_path / "a.csv")
    assert "text from 'Caption', image from 'image_path', id from 'ID'" in caplog.text and "guessed by name" in caplog.text
    rows = rows_of(corpus)
    assert corpus.columns == {"price": "double", "sold": "bool", "code": "string", "mixed": "string"}
    assert rows["x"] == ("one", [20], {"price": 1.5, "sold": True, "code": "007", "mixed": "1"})
    assert rows["y"] == ("two", [], {"price": 2.0, "sold": False, "code": "010", "mixed": "b"})
    assert "img/b.png" in rows["z"] and corpus.survey().sizes[2] == -1


def test_columns_are_taken_as_told(tmp_path, opened):
    (tmp_path / "a.jsonl").write_text('{"id": 1, "body": "one", "n": 3, "deep": {"x": 1}}\n{"id": 1, "body": "two", "n": null}\n')
    rows = rows_of(opened(tmp_path / "a.jsonl", id=""))
    assert rows == {"a.jsonl#0": ("one", [], {"id": 1, "n": 3}), "a.jsonl#1": ("two", [], {"id": 1})}
    rows = rows_of(opened(tmp_path / "a.jsonl", id="n", drop=["id"], rename={"body": "b"}, text="body"))
    assert rows == {"3": ("one", [], {}), "a.jsonl#1": ("two", [], {})}
    with pytest.raises(ConfigError, match="columns.text must be one of .*, but is 'bodi'.*Did you mean 'body'"):
        opened(tmp_path / "a.jsonl", text="bodi")
    with pytest.raises(ConfigError, match="columns.drop and columns.rename must be one of"):
        opened(tmp_path / "a.jsonl", drop=["nothing"])


def test_rows_without_text_or_medium_in_any_column_are_told(tmp_path, opened):
    (tmp_path / "a.csv").write_text("width,height\n1,2\n")
    with pytest.raises(ConfigError, match="the columns of a.csv must be such that one is a text, an image or a video.*columns.text"):
        opened(tmp_path / "a.csv")


def test_pictures_in_parquet_are_bytes_paths_and_lists(tmp_path, opened):
    picture(tmp_path / "a.png", 30)
    cells = [{"bytes": png(10), "path": "x.png"}, {"bytes": None, "path": "a.png"}, {"bytes": None, "path": None}]
    pd.DataFrame({"image": cells, "text": ["one", "two", "three"], "n": [1, 2, 3]}).to_parquet(tmp_path / "a.parquet")
    rows = rows_of(opened(tmp_path / "a.parquet"))
    assert list(rows.values()) == [("one", [10], {"n": 1}), ("two", [30], {"n": 2}), ("three", [], {"n": 3})]
    pd.DataFrame({"image": [1, 2]}).to_parquet(tmp_path / "c.parquet")
    assert "must be a path, bytes, or an object with bytes or a path" in rows_of(opened(tmp_path / "c.parquet"))["c.parquet#1"]
    pd.DataFrame({"images": [["a.png", "a.png"], []], "text": ["one", "two"]}).to_parquet(tmp_path / "b.parquet")
    assert rows_of(opened(tmp_path / "b.parquet")) == {"b.parquet#0": ("one", [30, 30], {}), "b.parquet#1": ("two", [], {})}


def test_what_lies_in_the_web_is_not_fetched(tmp_path, opened):
    (tmp_path / "a.csv").write_text("image\nhttps://example.org/a.png\n")
    assert "Nothing is fetched from the web" in rows_of(opened(tmp_path / "a.csv"))["a.csv#0"]


def test_a_glob_and_a_folder_of_tables_are_one_corpus(tmp_path, opened):
    for name in ("x/a", "y/a"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.csv").write_text(f"text\n{name}\n")
    assert rows_of(opened(tmp_path / "*" / "a.csv")) == {"x/a.csv#0": ("x/a", [], {}), "y/a.csv#0": ("y/a", [], {})}
    assert rows_of(opened(tmp_path / "x")) == {"a.csv#0": ("x/a", [], {})}


def test_a_lance_table_and_a_stored_corpus_are_read(tmp_path, opened):
    data = [{"id": f"r{at}", "text": f"text {at}", "n": at} for at in range(600)]
    lancedb.connect(tmp_path / "db").create_table("things", data)
    rows = rows_of(opened(tmp_path / "db"))
    assert rows["r599"] == ("text 599", [], {"n": 599}) and list(rows) == [f"r{at}" for at in range(600)]
    assert rows_of(opened(tmp_path / "db" / "things.lance")) == rows
    (tmp_path / "a.csv").write_text("id,text\na,one\n")
    embed = Embedding(tmp_path / "out")
    embed(str(tmp_path / "a.csv"))
    names = ["source", "modality", "fingerprint", "size", "modified"]
    assert rows_of(opened(embed.out, drop=names)) == {"a": ("one", [], {})}


def test_shards_that_unite_wrote_give_their_candidates(tmp_path, opened):
    for name in ("one", "two"):
        with ShardWriter(tmp_path / "set" / name, samples_per_shard=1) as writer:
            picture_of = StoredMedium(Modality.IMAGE, png(50), "png")
            writer.write(Row("000000", StoredContent("a query"), (StoredContent("a positive", (picture_of,)),)))
            writer.write(Row("000001", StoredContent("alone <\\|IMAGE|>")))
    corpus = opened(tmp_path / "set")
    assert rows_of(corpus) == {
        f"{name}/shard-{number:06d}.tar#{number:06d}": ((text, [50], {}) if number == 0 else ("alone <|IMAGE|>", [], {}))
        for name in ("one", "two")
        for number, text in enumerate(("a positive", ""))
    }


def test_plain_shards_give_media_captions_and_metadata(tmp_path, opened):
    with tarfile.open(tmp_path / "plain.tar", "w") as tar:
        for name, data in (
            ("a.png", png(60)),
            ("a.txt", b"a caption"),
            ("a.json", json.dumps({"n": 1, "deep": [1]}).encode()),
            ("b.png", png(70)),
            ("b.json", json.dumps({"caption": "told in JSON", "n": 2.5}).encode()),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    corpus = opened(tmp_path / "plain.tar")
    rows = rows_of(corpus)
    assert rows["plain.tar#a"] == ("a caption", [60], {"n": 1.0}) and rows["plain.tar#b"][:2] == ("told in JSON", [70])
    assert corpus.columns == {"n": "double", "caption": "string"}


@pytest.fixture
def store():
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pipe({"/bucket/photos/a.png": png(10), "/bucket/photos/b.png": png(20), "/bucket/photos/b.txt": b"grey"})
    memory.pipe("/bucket/t/a.csv", b"text,image\none,x/a.png\ntwo,memory://bucket/photos/b.png\n")
    memory.pipe("/bucket/t/x/a.png", png(30))
    yield memory
    memory.store.clear()


def test_a_folder_and_a_table_in_a_store_are_read(tmp_path, opened, store):
    assert rows_of(opened("memory://bucket/photos")) == {"a.png": ("", [10], {}), "b.png": ("grey", [20], {})}
    corpus = opened("memory://bucket/t/a.csv")
    assert rows_of(corpus) == {"a.csv#0": ("one", [30], {}), "a.csv#1": ("two", [20], {})}
    assert opened("memory://bucket/t/a.csv").survey().modified.tolist() == corpus.survey().modified.tolist()
    with ShardWriter(tmp_path / "set") as writer:
        writer.write(Row("000000", StoredContent("in a shard")))
    store.put(str(tmp_path / "set" / "shard-000000.tar"), "/bucket/set/shard-000000.tar")
    assert rows_of(opened("memory://bucket/set")) == {"shard-000000.tar#000000": ("in a shard", [], {})}
    with pytest.raises(ConfigError, match="which is not there or empty"):
        opened("memory://bucket/nothing")
    with pytest.raises(DataError, match="cannot be opened|cannot be read"):
        opened("nostore://x/y")


def test_a_store_that_changes_is_embedded_again(tmp_path, store):
    embed = Embedding(tmp_path / "out")
    embed("memory://bucket/photos")
    assert embed.rows()["b.png"]["source"] == "memory:///bucket/photos/b.png"
    embed("memory://bucket/photos")
    assert embed.num_embedded == 0 and embed.outcome.unchanged == 2
    store.pipe("/bucket/photos/a.png", png(99))
    store.rm("/bucket/photos/b.png")
    outcome = embed("memory://bucket/photos")
    assert embed.num_embedded == 1 and outcome.dropped == 1 and list(embed.rows()) == ["a.png"]


def test_ids_that_two_rows_have_are_told(tmp_path, opened):
    (tmp_path / "a.csv").write_text("id,text\nx,one\ny,two\nx,three\n")
    with pytest.raises(DataError, match=r"the ids of a corpus must be unique, but is '1 more than once: x'. .*columns.id=''"):
        opened(tmp_path / "a.csv").survey()
    both = {"first": str(tmp_path / "a.csv"), "second": str(tmp_path / "a.csv")}
    assert len(opened(both, id="").survey().ids) == 6
    assert opened(both, id="").survey().ids[0] == "first/a.csv#0"
    corpus = open_corpus([str(tmp_path / "a.csv")] * 2, ColumnsConfig(id=""), tmp_path)
    with pytest.raises(DataError, match="Of several sources, name them"):
        corpus.survey()


def test_what_is_no_corpus_is_told(tmp_path, opened):
    with pytest.raises(ConfigError, match="corpus must be a folder of pictures.*which is not there"):
        opened(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="a folder with nothing of the kind"):
        opened(tmp_path / "empty")
    (tmp_path / "a.docx").touch()
    with pytest.raises(ConfigError, match="a file '.docx'"):
        opened(tmp_path / "a.docx")
    (tmp_path / "a.csv").write_text("text\n")
    with pytest.raises(DataError, match="a corpus must be of at least one row.*empty"):
        opened(tmp_path / "a.csv").survey()
    with pytest.raises(ConfigError, match="corpus must be at least one address"):
        open_corpus([], ColumnsConfig(), tmp_path)
    (tmp_path / "x.lance" / "_versions").mkdir(parents=True)
    with pytest.raises(DataError, match="is no Lance table"):
        opened(tmp_path / "x.lance")


def test_a_name_that_is_no_utf8_is_stored_as_escapes(tmp_path):
    picture(tmp_path / "photos" / "a.png", 1).rename(os.fsdecode(os.fsencode(tmp_path / "photos") + b"/caf\xe9.png"))
    embed = Embedding(tmp_path / "out")
    embed(str(tmp_path / "photos"))
    assert list(embed.rows()) == ["caf\\udce9.png"]
