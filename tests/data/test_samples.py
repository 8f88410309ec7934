"""The members of a tar, grouped as webdataset groups them. Of `tar_members.py` too, on tars that nobody here wrote."""

import bz2
import gzip
import itertools
import lzma
import os
import subprocess
import tarfile

import numpy as np
import pytest
import webdataset
from webdataset.tariterators import base_plus_ext

from tests.data.material import row, write
from tests.written import write_tar
from unite.data.address import Address, existing_shards
from unite.data.index import index_shard
from unite.data.samples import group
from unite.data.shard_sets import find_sets
from unite.data.shards import ShardReader
from unite.data.tar_members import members_of
from unite.errors import DataError


def ours(path):
    """(key, {extension: content}) of every sample, extensions as webdataset has them."""
    data = path.read_bytes()
    with tarfile.open(path) as tar:
        samples, left = group(members_of(tar)[0])
    return [(one.key, {name.lower(): data[at.offset : at.offset + at.size] for name, at in one.members}) for one in samples], left


def webdatasets(path):
    dataset = webdataset.WebDataset(str(path), shardshuffle=False, empty_check=False)
    return [(one["__key__"], {name: data for name, data in one.items() if not name.startswith("__")}) for one in dataset]


NAMES = [
    f"{folder}{stem}.{extension}"
    for folder, stem, extension in itertools.product(
        ("", "a/", "a.b/", "A/", "d/e/"), ("0", "0 ", " 0", "Photo", "photo", "ü猫"), ("jpg", "TXT", "my.cat.json", "", "jpg.gz")
    )
]


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_samples_are_those_of_webdataset(tmp_path, format):
    write_tar(tmp_path / "x.tar", [(name, name.encode()) for name in NAMES], format=format)
    found, left = ours(tmp_path / "x.tar")
    assert found == webdatasets(tmp_path / "x.tar") and len(found) == 30 and not left


def test_members_of_one_key_are_one_sample_wherever_they_lie(tmp_path):
    names = np.random.default_rng(0).permutation(NAMES).tolist()
    found, left = ours(write_tar(tmp_path / "x.tar", [(name, name.encode()) for name in names]))
    expected = {}
    for name in names:  # what webdataset makes of one name, put together
        key, extension = base_plus_ext(name)
        expected.setdefault(key, {})[extension.lower()] = name.encode()
    assert found == list(expected.items()) and not left


def test_samples_of_one_key_with_equal_extensions_stay_apart(tmp_path):
    """As where two sets that count from 0 became one tar."""
    members = [(f"{at}.{extension}", f"{copy}{at}".encode()) for copy in "ab" for at in range(3) for extension in ("jpg", "txt")]
    found, _ = ours(write_tar(tmp_path / "x.tar", members))
    assert found == webdatasets(tmp_path / "x.tar") and len(found) == 6


@pytest.mark.parametrize("names", [["0.jpg", "0.JPG", "0.txt"], ["0.txt", "0.txt"]])
def test_a_member_that_is_there_twice_is_told(tmp_path, names):
    path = write_tar(tmp_path / "x.tar", [(name, b"") for name in names])
    with tarfile.open(path) as tar:
        ((sample,), _) = group(members_of(tar)[0])
    assert sample.twice == [names[1].split(".")[1].lower()]
    with pytest.raises(ValueError, match="duplicate file name in tar"):
        webdatasets(path)
    with pytest.raises(DataError, match=r"the members of sample 0 of .*x\.tar must be different, but is '\w+ twice'. Two tars in one"):
        index_shard(path)


def test_what_is_of_no_sample_is_named(tmp_path, caplog):
    path = tmp_path / "x.tar"
    names = ["README", "._0.jpg", "a/.hidden.txt", "__MACOSX/0.jpg", "PaxHeaders.123/0.txt", "__meta__/0.json", "0.txt"]
    write_tar(path, [(name, b"") for name in names])
    assert [one.name for one in ours(path)[1]] == names[:-1]
    assert [key for key, _ in ours(path)[0]] == ["0"]
    index_shard(path)
    assert "x.tar: of no sample, and not read: README (a name without a dot), ._0.jpg (a hidden file), " in caplog.text
    assert "__MACOSX/0.jpg (not data, but what another program keeps beside it)" in caplog.text and "and 1 more" in caplog.text


@pytest.fixture
def folder(tmp_path):
    """What a tar of a folder may hold."""
    folder = tmp_path / "folder"
    (folder / "deep.er" / ("long" * 20)).mkdir(parents=True)
    for at, where in enumerate(("", "deep.er/", f"deep.er/{'long' * 20}/")):
        for name in ("0.jpg", "0.txt", "my.cat.jpg", "ü.txt", "e.txt"):
            (folder / where / name).write_bytes(b"" if name == "e.txt" else f"{at}{name}".encode() * 100 * at)
    os.link(folder / "0.txt", folder / "hard.txt")
    (folder / "soft.txt").symlink_to("0.txt")
    os.mkfifo(folder / "pipe.txt")
    return folder


@pytest.mark.parametrize("format", ["gnu", "pax", "ustar", "v7"])
def test_a_tar_by_gnu_tar(folder, tmp_path, format):
    path = tmp_path / "x.tar"
    if format == "v7":  # it has neither long names nor pipes
        (folder / "deep.er" / ("long" * 20)).rename(tmp_path / "away")
        (folder / "pipe.txt").unlink()
    subprocess.run(["tar", f"--format={format}", "-cf", path, "-C", folder, "."], check=True, timeout=60)
    expected = {}
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            key, extension = base_plus_ext(str(file.relative_to(folder)))
            expected.setdefault(key, {})[extension] = file.read_bytes()
    assert dict(ours(path)[0]) == expected and expected["hard"] == {"txt": expected["0"]["txt"]}
    with tarfile.open(path) as tar:
        left = {one.name: one.why for one in members_of(tar)[1]}
    assert left == {"soft.txt": "a symbolic link to 0.txt"} | ({"pipe.txt": "no file"} if format != "v7" else {})


@pytest.mark.parametrize("order", ["name", "none"])
def test_rows_in_a_tar_by_gnu_tar_are_trained_on(tmp_path, order):
    (path,) = write(tmp_path / "ours", per_shard=5)
    (tmp_path / "folder").mkdir()
    subprocess.run(["tar", "-xf", path, "-C", tmp_path / "folder"], check=True, timeout=60)
    os.link(tmp_path / "folder" / "000003.0.png", tmp_path / "folder" / "a.txt")  # written first, the row's own a link to it
    names = [".", "a.txt"] if order == "none" else [".", "--sort=name"]
    subprocess.run(["tar", "-cf", tmp_path / "theirs.tar", "-C", tmp_path / "folder", *names[::-1]], check=True, timeout=60)
    reader = ShardReader([tmp_path / "theirs.tar"])
    found = [reader.read(position) for position in range(len(reader)) if reader.name(position) != "theirs.tar/a"]
    assert sorted(found, key=lambda one: one.key) == [row(at) for at in range(5)]


def test_members_that_lie_far_apart_are_not_read_with_all_between(tmp_path, monkeypatch):
    monkeypatch.setattr("unite.data.shards._PIECE", 1000)
    (path,) = write(tmp_path / "ours", per_shard=5)
    with tarfile.open(path) as tar:
        files = [(info.name, tar.extractfile(info).read()) for info in tar]
    files.sort(key=lambda file: (file[0].endswith(".json"), file[0]))
    reader = ShardReader([write_tar(tmp_path / "x.tar", [*files[:3], ("between.bin", bytes(50_000)), *files[3:]])])
    sizes, read = [], Address.read
    monkeypatch.setattr(Address, "read", lambda self, *place: sizes.append(place[1] - place[0]) or read(self, *place))
    found = [reader.read(position) for position in range(len(reader)) if reader.name(position) != "x.tar/between"]
    assert sorted(found, key=lambda one: one.key) == [row(at) for at in range(5)] and max(sizes) < 10_000


def test_a_tar_that_goes_on_after_its_end_is_refused(tmp_path):
    """`cat a.tar b.tar`: tar, tarfile and webdataset all read the first alone."""
    paths = write(tmp_path, count=4)
    whole = tmp_path / "whole.tar"
    whole.write_bytes(b"".join(path.read_bytes() for path in paths))
    assert len(webdatasets(whole)) == 2
    with pytest.raises(DataError, match=r"whole\.tar must be empty after its end.* 'filled up to byte \d+'. Two tars in one"):
        index_shard(whole)
    broken = bytearray(paths[0].read_bytes())
    second = index_shard(paths[0]).samples[1].members["json"][0] - 512
    broken[second + 300] ^= 255  # a header: tarfile stops there, and says nothing
    whole.write_bytes(broken)
    with pytest.raises(DataError, match="must be empty after its end"):
        index_shard(whole)


@pytest.mark.parametrize(("name", "module"), [("x.tar.gz", gzip), ("x.tar", gzip), ("x.tar", bz2), ("x.tar.xz", lzma)])
def test_a_compressed_shard_of_rows_is_refused_by_name(tmp_path, name, module):
    (path,) = write(tmp_path / "ours", per_shard=5)
    (tmp_path / name).write_bytes(module.compress(path.read_bytes()))
    with pytest.raises(DataError, match=rf"shard .*{name} must be a tar that is not compressed, but is 'compressed by \w+'.*unpack it"):
        index_shard(tmp_path / name)


def test_a_folder_of_gzipped_shards_says_what_to_do(tmp_path):
    (tmp_path / "0.tar.gz").write_bytes(b"")
    with pytest.raises(DataError, match=r"source.x.shards must be a folder or glob with .tar shards.*gzipped.*unpack them \(gunzip\)"):
        existing_shards(str(tmp_path), "source.x.shards")
    for where in (tmp_path, tmp_path / "0.tar.gz"):
        with pytest.raises(DataError, match=r"suite.shards must be a folder with .tar shards.*gzipped.*unpack them \(gunzip\)"):
            find_sets(str(where))
