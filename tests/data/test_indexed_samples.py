"""An index is opened by its beginning, and its samples are read when they are asked for."""

import builtins
import json
import pickle
from collections import OrderedDict
from pathlib import Path

import pytest

from unite.data import indexed_samples
from unite.data.index import INDEX_SUFFIX, ShardIndex, index_shard
from unite.data.rows import Row, StoredContent
from unite.data.shards import ShardReader, ShardWriter
from unite.errors import DataError


@pytest.fixture
def folder(tmp_path):
    with ShardWriter(tmp_path, samples_per_shard=5) as writer:
        for number in range(40):
            writer.write(Row(f"{number:03d}", StoredContent(text=f"text {number}"), (StoredContent(text="p"),)))
    return tmp_path


@pytest.fixture
def read(monkeypatch):
    """Names of the indices that are read whole."""
    names = []
    plain = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: names.append(path.name) or plain(path))
    return names


def test_a_start_reads_beginnings_and_a_row_its_own_index_alone(folder, read):
    reader = ShardReader.of_folder(folder)
    assert len(reader) == 40 and read == []
    assert reader.read(17).query.text == "text 17"
    assert read == [f"shard-000003.tar{INDEX_SUFFIX}"]
    assert reader.read(18).key == "018" and len(read) == 1
    assert [row.key for row in pickle.loads(pickle.dumps(reader))] == [f"{number:03d}" for number in range(40)]


def test_ten_thousand_shards_cost_no_more_open_files_than_are_read(folder, monkeypatch):
    """8 shards stand for them: what is opened is counted."""
    opened = []
    plain = builtins.open
    path_open = Path.open
    monkeypatch.setattr(builtins, "open", lambda file, *args, **kwargs: opened.append(str(file)) or plain(file, *args, **kwargs))
    monkeypatch.setattr(Path, "open", lambda path, *args, **kwargs: opened.append(str(path)) or path_open(path, *args, **kwargs))
    reader = ShardReader.of_folder(folder)
    assert sorted(opened) == sorted(str(path) for path in folder.glob(f"*{INDEX_SUFFIX}"))
    opened.clear()
    for position in (0, 1, 39):
        reader.read(position)
    assert [name for name in opened if name.endswith(".tar")] == [str(folder / f"shard-{number:06d}.tar") for number in (0, 0, 7)]


def test_what_is_kept_has_a_bound(folder, read, monkeypatch):
    monkeypatch.setattr(indexed_samples, "MOST_KEPT", 10)
    monkeypatch.setattr(indexed_samples, "KEPT", OrderedDict())
    reader = ShardReader.of_folder(folder)
    for position in (0, 5, 0, 10, 0, 5):  # two shards are kept: the third takes the place of the one not asked for longest
        reader.read(position)
    assert [name[9:12] for name in read] == ["000", "001", "002", "001"]


def test_it_is_the_index_that_a_reading_of_the_tar_gives(folder):
    shard = folder / "shard-000002.tar"
    index = ShardIndex.load(folder / f"shard-000002.tar{INDEX_SUFFIX}")
    assert index == index_shard(shard) and index.samples != index_shard(folder / "shard-000003.tar").samples
    assert [sample.key for sample in index.samples[1:3]] == ["011", "012"] and index.samples[-1].key == "014"


def test_an_index_without_the_number_and_one_cut_off_are_read_or_made_again(folder):
    path = folder / f"shard-000001.tar{INDEX_SUFFIX}"
    whole = path.read_text()
    fields = json.loads(whole)
    del fields["num_samples"]
    path.write_text(json.dumps(fields))
    assert ShardIndex.load(path) == index_shard(folder / "shard-000001.tar")
    path.write_text(whole[:-40])
    assert ShardIndex.load(path) is None


@pytest.mark.parametrize("other", ["of another shard", "of none"])
def test_an_index_that_changed_after_it_was_opened_is_refused(folder, other, monkeypatch):
    monkeypatch.setattr(indexed_samples, "KEPT", OrderedDict())
    reader = ShardReader.of_folder(folder)
    path = folder / f"shard-000001.tar{INDEX_SUFFIX}"
    path.write_text((folder / f"shard-000002.tar{INDEX_SUFFIX}").read_text() if other == "of another shard" else "{")
    message = "must be as it was when it was opened" if other == "of another shard" else "must be the index of a shard, but is .unreadable"
    with pytest.raises(DataError, match=message):
        reader.read(6)
