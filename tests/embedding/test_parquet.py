import os
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unite.config.schema.media import Decoding
from unite.embedding.parquet import ParquetContents, ParquetPictures
from unite.errors import DataError

#: Rows of each file, and of a row group.
SIZES, GROUP = (7, 1, 12), 5


def write(folder, data, group=GROUP, sizes=SIZES):
    folder.mkdir(parents=True, exist_ok=True)
    paths, start = [], 0
    for at, size in enumerate(sizes):
        cells = [{"bytes": one, "path": f"{start + row}.JPG" if row % 2 else None} for row, one in enumerate(data[start : start + size])]
        kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
        paths.append(folder / f"test-{at:05d}-of-{len(sizes):05d}.parquet")
        pq.write_table(pa.table({"id": pa.array(range(size)), "image": pa.array(cells, kind)}), paths[-1], row_group_size=group)
        start += size
    return paths


def contents_of(paths, texts=None, instruction="", decoding=None):
    pictures = ParquetPictures(paths, "image")
    return ParquetContents(pictures, texts or [""] * len(pictures), [f"page {at}" for at in range(20)], instruction, decoding or Decoding())


@pytest.fixture
def data():
    return [f"picture {at}".encode() * (at + 1) for at in range(20)]


def test_pictures_are_the_rows_of_the_files_in_any_order(tmp_path, data):
    pictures = ParquetPictures(write(tmp_path, data), "image")
    assert len(pictures) == 20
    orders = (range(20), range(19, -1, -1), [0, 3, 3, 6, 5, 19, 8, 7, 14], np.random.default_rng(0).integers(20, size=20).tolist())
    for order in orders:
        assert [pictures.read(row)[0] for row in order] == [data[row] for row in order]
    assert (pictures.read(1)[1], pictures.read(0)[1]) == ("jpg", "")


def test_memory_holds_about_a_row_group(tmp_path):
    random = np.random.default_rng(0)
    pages = [random.bytes(100_000) for _ in range(80)]
    (path,) = write(tmp_path, pages, group=5, sizes=(80,))
    contents = ParquetContents(ParquetPictures([path], "image"), [""] * 80, [""] * 80, "", Decoding())
    before = most = pa.total_allocated_bytes()
    for at, page in enumerate(pages):
        assert contents[at].stored.media[0].data == page
        most = max(most, pa.total_allocated_bytes())
    assert most - before < 5 * 5 * 100_000 < path.stat().st_size / 3


def test_a_content_is_known_by_where_it_lies_and_a_set_by_what_it_holds(tmp_path, data):
    paths = write(tmp_path / "a", data)
    here = contents_of(paths)
    keys = [content.key for content in here]
    assert len(set(keys)) == 20 and [content.key for content in contents_of(paths)] == keys
    for other in (contents_of(paths, texts=["a"] * 20), contents_of(paths, instruction="Find it.")):
        assert not set(keys) & {content.key for content in other} and other.checksum() != here.checksum()
    copied = [shutil.copy(path, (tmp_path / path.name)) for path in paths]
    os.utime(copied[1], ns=(1, 1))
    assert contents_of(copied).checksum() == here.checksum()
    other = write(tmp_path / "b", [*data[:12], b"another", *data[13:]])
    assert contents_of(other).checksum() != here.checksum()
    assert here[3].fingerprint == contents_of(other)[3].fingerprint != contents_of(other)[12].fingerprint


def test_what_cannot_be_read_is_named(tmp_path, data):
    paths = write(tmp_path, [*data[:8], None, b"", *(one * 9 for one in data[10:])])
    contents = contents_of(paths)
    for row in (8, 9):
        where = rf"row {row - 8} of .*"
        with pytest.raises(DataError, match=rf"^page {row} \({where}\) cannot be embedded: {where} but is 'without'"):
            contents[row].decode()
    whole = paths[2].read_bytes()
    paths[2].write_bytes(whole[:4] + b"\0" * 200 + whole[204:])
    with pytest.raises(DataError, match=r"^page 10 .* cannot be read \(.*\). Download the file again"):
        contents_of(paths)[10].decode()
    with pytest.raises(IndexError):
        contents[20]
