import errno
import io
import tarfile
from dataclasses import replace

import pytest
import webdataset

from tests.data.material import row, write
from unite.data.index import INDEX_SUFFIX, ShardIndex, index_shard
from unite.data.rows import Row, StoredContent, from_members, to_members
from unite.data.shards import ShardReader, ShardWriter
from unite.errors import DataError


def test_rows_come_back_as_they_went_in(tmp_path):
    write(tmp_path)
    reader = ShardReader.of_folder(tmp_path)
    assert [address.name for address in reader.addresses] == ["shard-000000.tar", "shard-000001.tar", "shard-000002.tar"]
    assert list(reader) == [row(at) for at in range(5)]
    assert reader.name(3) == "shard-000001.tar/000003"


def test_labels_come_back_and_another_form_is_refused(tmp_path):
    content = StoredContent("a house", labels={"region": "north"})
    assert from_members("0", to_members(Row("0", content, (content,)))) == Row("0", content, (content,))
    assert b"labels" not in to_members(Row("0", StoredContent("a house")))["json"]
    for labels in ('["north"]', '{"region": 3}', '{"region": ""}'):
        with pytest.raises(DataError, match="sample 0 is not in the row format .*labels are .*, and not a group's name for each attribute"):
            from_members("0", {"json": f'{{"query": {{"text": "a", "labels": {labels}}}}}'.encode()})


def test_webdataset_reads_the_same_samples(tmp_path):
    paths = [str(path) for path in write(tmp_path)]
    samples = list(webdataset.WebDataset(paths, shardshuffle=False, empty_check=False))
    assert [sample["__key__"] for sample in samples] == [f"{at:06d}" for at in range(5)]
    assert samples[3]["0.png"] == bytes([3]) * 700 and samples[3]["1.mp4"] == b"vvv"


@pytest.mark.parametrize("ranges", [[(0, 7)], [(2, 3), (5, 7), (0, 2)], [(1, 1), (6, 7)]])
@pytest.mark.parametrize("per_shard", [1, 3, 100])
def test_rows_that_are_copied_are_the_bytes_of_rows_that_are_written(tmp_path, ranges, per_shard, monkeypatch):
    monkeypatch.setattr("unite.data.shards._PIECE", 1000)
    # A key that needs more than a plain header, too.
    keys = ["a", "k" * 98, "kätzchen", "b", "c", "d" * 150, "e"]
    rows = [replace(row(at), key=key) for at, key in enumerate(keys)]
    with ShardWriter(tmp_path / "from") as writer:
        for one in rows:
            writer.write(one)
    reader = ShardReader(writer.paths)
    with ShardWriter(tmp_path / "copied", per_shard) as copied, ShardWriter(tmp_path / "written", per_shard) as written:
        written.write(row(9))
        copied.write(row(9))
        for start, stop in ranges:
            copied.copy(reader, start, stop)
            for one in rows[start:stop]:
                written.write(one)
    assert len(copied.paths) == len(written.paths)
    for one, other in zip(copied.paths, written.paths, strict=True):
        assert one.read_bytes() == other.read_bytes()
        assert ShardIndex.load(one.with_name(one.name + INDEX_SUFFIX)) == index_shard(other)


def test_a_row_that_is_copied_needs_a_key_of_its_own(tmp_path):
    reader = ShardReader(write(tmp_path / "from", per_shard=5))
    with (
        pytest.raises(DataError, match="key of a row must be unique in its folder, but is '000001'"),
        ShardWriter(tmp_path / "to") as writer,
    ):
        writer.write(row(1))
        writer.copy(reader, 0, 3)


def test_equal_rows_give_equal_checksums(tmp_path):
    write(tmp_path / "a")
    write(tmp_path / "b")
    write(tmp_path / "c", count=4)
    first, second, other = (ShardReader.of_folder(tmp_path / name).checksum() for name in "abc")
    assert first == second != other
    assert (tmp_path / "a" / "shard-000000.tar").read_bytes() == (tmp_path / "b" / "shard-000000.tar").read_bytes()


def test_the_index_that_is_written_is_that_of_the_tar(tmp_path):
    for path in write(tmp_path):
        assert ShardIndex.load(path.with_name(path.name + INDEX_SUFFIX)) == index_shard(path)


def test_a_missing_or_unreadable_index_is_made_again(tmp_path):
    paths = write(tmp_path)
    before = ShardReader(paths).checksum()
    (tmp_path / f"shard-000000.tar{INDEX_SUFFIX}").unlink()
    (tmp_path / f"shard-000001.tar{INDEX_SUFFIX}").write_text("{broken")
    reader = ShardReader(paths)
    assert reader.checksum() == before and list(reader) == [row(at) for at in range(5)]


def test_a_full_disk_leaves_no_half_shard(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"), ShardWriter(tmp_path, samples_per_shard=2) as writer:
        for at in range(3):
            writer.write(row(at))
        monkeypatch.setattr("unite.data.shards.os.fsync", full)
        writer.write(row(3))
    assert {path.name for path in tmp_path.iterdir()} == {"shard-000000.tar", f"shard-000000.tar{INDEX_SUFFIX}"}


def test_a_writer_that_fails_half_way_keeps_the_whole_shards(tmp_path):
    with pytest.raises(RuntimeError), ShardWriter(tmp_path, 2) as writer:
        for at in range(3):
            writer.write(row(at))
        raise RuntimeError
    assert len(ShardReader.of_folder(tmp_path)) == 2


def test_a_truncated_tar_is_named(tmp_path):
    path = write(tmp_path)[0]
    whole = path.read_bytes()
    (tmp_path / f"{path.name}{INDEX_SUFFIX}").unlink()
    path.write_bytes(whole[:1800])
    with pytest.raises(DataError, match=r"shard-000000\.tar is (truncated|not a whole tar)"):
        ShardReader([path])


def test_a_tar_cut_between_two_samples_is_no_shorter_shard(tmp_path):
    path = write(tmp_path)[0]
    second = index_shard(path).samples[1].members["json"][0] - 512
    path.write_bytes(path.read_bytes()[:second])
    with pytest.raises(DataError, match=r"shard-000000\.tar is truncated: the two empty blocks that end a tar are missing"):
        index_shard(path)


def test_a_shard_that_changed_since_it_was_indexed_is_refused(tmp_path):
    path = write(tmp_path)[0]
    path.write_bytes(path.read_bytes() + b"\0" * 512)
    with pytest.raises(DataError, match=r"shard-000000\.tar must be \d+ bytes long, but is '\d+ bytes'.*write it again"):
        ShardReader([path])


def test_no_shards_says_what_to_do(tmp_path):
    with pytest.raises(DataError, match="must be a folder that holds .tar shards.*Build or copy"):
        ShardReader.of_folder(tmp_path)
    with pytest.raises(DataError, match="must be an existing .tar file"):
        ShardReader([tmp_path / "gone.tar"])


def test_a_member_that_leaves_its_folder_is_refused(tmp_path):
    path = tmp_path / "evil.tar"
    with tarfile.open(path, "w") as tar:
        member = tarfile.TarInfo("../../outside.json")
        member.size = 2
        tar.addfile(member, io.BytesIO(b"{}"))
    with pytest.raises(DataError, match=r"must be a name inside its folder, but is '\.\./\.\./outside\.json'"):
        index_shard(path)


def test_bad_rows_are_refused(tmp_path):
    with pytest.raises(DataError, match="key of a row must be a name without dot or slash"), ShardWriter(tmp_path) as writer:
        writer.write(Row("a.b", StoredContent(text="x")))
    with pytest.raises(DataError, match="must be unique in its folder"), ShardWriter(tmp_path) as writer:
        writer.write(row(0))
        writer.write(row(0))
    with pytest.raises(DataError, match="samples_per_shard must be at least 1, but is 0"):
        ShardWriter(tmp_path, 0)


def test_a_sample_in_another_format_is_named(tmp_path):
    with webdataset.TarWriter(str(tmp_path / "x.tar"), encoder=False) as tar:
        tar.write({"__key__": "cat", "jpg": b"...", "txt": b"a cat"})
        tar.write({"__key__": "dog", "json": b'{"quary": {}}'})
        tar.write({"__key__": "cow", "json": b'{"query": {"media": [{"member": "0.png", "modality": "image"}]}}'})
        tar.write({"__key__": "half", "json": rb'{"query": {"text": "a \ud83d"}}'})
        tar.write({"__key__": "five", "json": b'{"query": {"text": 5}}'})
    reader = ShardReader.of_folder(tmp_path)
    with pytest.raises(DataError, match=r"sample cat must be a row with a \.json member, but is \['jpg', 'txt'\]"):
        reader.read(0)
    with pytest.raises(DataError, match="sample dog is not in the row format.*quary"):
        reader.read(1)
    with pytest.raises(DataError, match=r"a medium of sample cow must be one of its members \['json'\], but is '0.png'"):
        reader.read(2)
    with pytest.raises(DataError, match="sample half: a text must be Unicode, but is 'with half of a surrogate pair: a .+ud83d"):
        reader.read(3)
    with pytest.raises(DataError, match="sample five is not in the row format .*a text is int"):
        reader.read(4)
    with pytest.raises(DataError, match="a text must be Unicode"), ShardWriter(tmp_path / "half") as writer:
        writer.write(Row("a", StoredContent("a \ud83d")))
