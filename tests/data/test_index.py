import logging
import os
import time

import fsspec
import pytest

from tests.data.material import row, write
from unite.data.address import Address, find_shards
from unite.data.index import INDEX_SUFFIX, ShardIndex, index_shard, load_index
from unite.data.shards import ShardReader
from unite.errors import DataError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "unite" / "indices"


@pytest.fixture
def store():
    """An empty store in memory, reached through the addresses that a bucket's files would have."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    yield files
    files.store.clear()


@pytest.fixture
def bucket(tmp_path, store):
    """Three shards in the store, without their indices."""
    for path in write(tmp_path / "local"):
        store.pipe(f"/bucket/set/{path.name}", path.read_bytes())
    return "memory://bucket/set"


def later(path, seconds=10):
    """Makes a file look as if it was written to later."""
    os.utime(path, (time.time() + seconds,) * 2)


@pytest.mark.parametrize("where", ["memory://bucket/set", "memory://bucket/set/*.tar", "memory://bucket/**/shard-*.tar"])
def test_shards_are_read_by_address(bucket, where, tmp_path):
    reader = ShardReader(find_shards(where))
    assert list(reader) == [row(at) for at in range(5)]
    assert reader.checksum() == ShardReader.of_folder(tmp_path / "local").checksum()
    assert reader.name(3) == "shard-000001.tar/000003"
    assert [str(one) for one in find_shards(f"{bucket}/shard-000002.tar")] == ["memory:///bucket/set/shard-000002.tar"]


def test_an_address_is_indexed_once_and_the_index_kept_in_the_cache(bucket, store, cache, monkeypatch, caplog):
    with caplog.at_level(logging.INFO):
        ShardReader(find_shards(bucket))
    assert len(list(cache.rglob(f"*{INDEX_SUFFIX}"))) == 3 and not store.glob(f"/bucket/set/*{INDEX_SUFFIX}")
    assert f"shard-000000.tar was indexed; the index is kept at {cache}" in caplog.text
    monkeypatch.setattr("unite.data.index.index_shard", None)  # it is not asked for again
    assert list(ShardReader(find_shards(bucket))) == [row(at) for at in range(5)]


def test_without_a_cache_the_index_of_an_address_is_kept_in_memory(bucket, tmp_path, monkeypatch, caplog):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with caplog.at_level(logging.INFO):
        assert len(ShardReader(find_shards(bucket))) == 5
    assert "in memory alone" in caplog.text


def test_an_index_that_lies_at_the_address_is_used(bucket, store, tmp_path, monkeypatch):
    for path in (tmp_path / "local").glob(f"*{INDEX_SUFFIX}"):
        store.pipe(f"/bucket/set/{path.name}", path.read_bytes())
    monkeypatch.setattr("unite.data.index.index_shard", None)
    assert len(ShardReader(find_shards(bucket))) == 5


@pytest.mark.parametrize("same_size", [True, False])
def test_a_shard_that_changed_at_its_address_is_refused(bucket, store, cache, same_size):
    ShardReader(find_shards(bucket))
    data = bytearray(store.cat("/bucket/set/shard-000001.tar"))
    data[600] ^= 1
    store.pipe("/bucket/set/shard-000001.tar", bytes(data) if same_size else bytes(data) + bytes(512))
    expected = r"of SHA-256 \w+\.\.\., but is .*Its content" if same_size else r"\d+ bytes long, but is .*It"
    with pytest.raises(DataError, match=rf"shard memory:///bucket/set/shard-000001\.tar must be {expected} changed.*or delete {cache}"):
        ShardReader(find_shards(bucket))


def test_a_shard_that_was_written_again_as_it_was_is_the_same(bucket, store, cache):
    ShardReader(find_shards(bucket))
    store.pipe("/bucket/set/shard-000001.tar", store.cat("/bucket/set/shard-000001.tar"))
    assert len(ShardReader(find_shards(bucket))) == 5 and len(list(cache.rglob(f"*{INDEX_SUFFIX}"))) == 4


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("memory://bucket/set/gone.tar", "a shard must be an existing .tar file, but is 'memory://bucket/set/gone.tar'"),
        ("nonsense://bucket/x.tar", "nonsense://bucket/x.tar cannot be read .*Protocol not known"),
        ("bare://host/x.tar", r"bare://host/x.tar cannot be opened \(pip install bare\)\. Install what that kind of address needs"),
    ],
)
def test_an_address_that_cannot_be_read_is_named(address, message):
    fsspec.register_implementation("bare", "no_such_package.Store", errtxt="pip install bare", clobber=True)
    with pytest.raises(DataError, match=message):
        Address(address).state()


def test_content_that_changed_in_place_is_refused_by_name(tmp_path):
    path = write(tmp_path)[0]
    data = bytearray(path.read_bytes())
    data[600] ^= 1  # the size stays
    path.write_bytes(data)
    later(path)
    with pytest.raises(DataError, match=r"shard-000000\.tar must be of SHA-256 \w+\.\.\., but is .*changed since.*delete .*index.json"):
        ShardReader([path])


def test_a_touched_shard_is_no_changed_one_and_is_looked_at_once(tmp_path, monkeypatch):
    path = write(tmp_path)[0]
    later(path, -1)
    before = load_index(path)
    later(path, 0)
    os.utime(tmp_path / f"{path.name}{INDEX_SUFFIX}", (time.time() - 5,) * 2)
    assert load_index(path) == before
    monkeypatch.setattr(Address, "opened", None)  # to read the shard it would have to be opened
    assert load_index(path) == before


def test_where_nothing_can_be_written_beside_a_shard_its_index_is_cached(tmp_path, cache, monkeypatch):
    path = write(tmp_path / "set")[0]
    beside = path.with_name(path.name + INDEX_SUFFIX)
    beside.unlink()
    save = ShardIndex.save

    def read_only(index, where):
        if where == beside:
            raise PermissionError(f"{where} is read-only")
        save(index, where)

    monkeypatch.setattr(ShardIndex, "save", read_only)
    made = load_index(path)
    assert made == index_shard(path) and len(list(cache.rglob(f"*{INDEX_SUFFIX}"))) == 1
    monkeypatch.setattr("unite.data.index.index_shard", None)
    assert load_index(path) == made
    path.write_bytes(path.read_bytes() + bytes(512))
    with pytest.raises(DataError, match=r"shard-000000\.tar must be \d+ bytes long"):
        load_index(path)


def test_an_unreadable_cached_index_is_made_again(bucket, cache):
    before = ShardReader(find_shards(bucket)).checksum()
    for path in cache.rglob(f"*{INDEX_SUFFIX}"):
        path.write_text("[")
    assert ShardReader(find_shards(bucket)).checksum() == before


def test_a_truncated_shard_at_an_address_is_named(bucket, store):
    store.pipe("/bucket/set/shard-000000.tar", store.cat("/bucket/set/shard-000000.tar")[:1800])
    with pytest.raises(DataError, match=r"shard memory:///bucket/set/shard-000000\.tar is (truncated|not a whole tar)"):
        ShardReader(find_shards(bucket))


def test_brackets_in_the_name_of_a_folder_are_brackets(tmp_path):
    for name in ("set[1]", "set1", "set2"):
        write(tmp_path / name, 1)
    (shard,) = find_shards(str(tmp_path / "set[1]"))
    assert shard.text == str(tmp_path / "set[1]" / "shard-000000.tar") and find_shards(shard.text) == [shard]
    assert len(find_shards(str(tmp_path / "set[12]" / "*.tar"))) == 2
