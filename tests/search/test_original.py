"""A row's medium, read again from a folder, a shard or a table."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.search.media_files import picture
from unite.config.schema.embed import ColumnsConfig
from unite.config.schema.media import Decoding
from unite.data.rows import Row, StoredContent, StoredMedium
from unite.data.shards import ShardWriter
from unite.search.corpus.sources import open_source
from unite.search.hits import Hit
from unite.search.original import original_of
from unite.types import Modality


def originals(address, tmp_path, modality="image"):
    source = open_source(str(address), ColumnsConfig(), tmp_path / "scratch")
    list(source.survey())
    return [original_of(Hit("x", 1.0, source.row(place).source, modality), Decoding()) for place in range(len(source))]


def test_of_a_folder(tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a#1.png").write_bytes(picture("red"))
    (tmp_path / "pictures" / "b.jpg").write_bytes(picture("blue", form="JPEG"))
    assert originals(tmp_path / "pictures", tmp_path) == [(picture("red"), "image/png"), (picture("blue", form="JPEG"), "image/jpeg")]


def test_of_shards(tmp_path):
    with ShardWriter(tmp_path / "shards") as writer:
        for name, colour in (("a", "red"), ("b", "blue")):
            positive = StoredContent(f"a {colour} one", (StoredMedium(Modality.IMAGE, picture(colour), "png"),))
            writer.write(Row(name, StoredContent("x"), (positive,)))
    assert originals(tmp_path / "shards", tmp_path, "text+image") == [(picture("red"), "image/png"), (picture("blue"), "image/png")]


def test_of_a_table_with_bytes(tmp_path):
    pictures = [picture("red"), picture("blue", form="WEBP")]
    pq.write_table(pa.table({"text": ["a", "b"], "image": pictures}), tmp_path / "a.parquet")
    assert originals(tmp_path / "a.parquet", tmp_path) == [(pictures[0], "image/png"), (pictures[1], "image/webp")]


@pytest.mark.parametrize("source", ["gone.png", "gone.tar#a", "gone.parquet#3", "https://example.org/a.parquet#3"])
def test_what_is_gone_is_none(tmp_path, source):
    assert original_of(Hit("x", 1.0, source if "://" in source else str(tmp_path / source), "image"), Decoding()) is None


def test_a_text_has_none(tmp_path):
    (tmp_path / "a.csv").write_text("text\nbird\n")
    assert originals(tmp_path / "a.csv", tmp_path, "text") == [None]


def test_a_row_that_a_table_has_no_more_is_none(tmp_path):
    pq.write_table(pa.table({"text": ["a"], "image": [picture("red")]}), tmp_path / "a.parquet")
    assert original_of(Hit("x", 1.0, f"{tmp_path / 'a.parquet'}#7", "image"), Decoding()) is None
