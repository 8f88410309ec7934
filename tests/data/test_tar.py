import io
import tarfile

import pytest

from unite.data.index import index_shard
from unite.data.tar import IndexedTar

PLAIN = {
    "000000.json": b"{}",
    "000000.0.png": bytes(700),
    "000001.txt": b"",
    "000002.mp4": bytes(range(256)) * 4,
    "a/b." + "x" * 96: b"100",
}
#: What a plain header cannot hold.
OTHER = {"x" * 101 + ".txt": b"long", "kätzchen.txt": b"not ASCII"}


def member(name, content, mtime=0):
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime, info.uname, info.gname = len(content), 0o444, mtime, "bigdata", "bigdata"
    return info


@pytest.mark.parametrize(("files", "mtime"), [(PLAIN, 0), (PLAIN, 1.5), (PLAIN | OTHER, 0), ({}, 0)])
def test_the_bytes_and_the_index_are_those_of_tarfile(tmp_path, files, mtime):
    with (tmp_path / "ours.tar").open("wb") as ours, tarfile.open(tmp_path / "theirs.tar", "w") as theirs, IndexedTar(ours) as tar:
        for name, content in files.items():
            tar.addfile(member(name, content, mtime), io.BytesIO(content))
            theirs.addfile(member(name, content, mtime), io.BytesIO(content))
    written = (tmp_path / "ours.tar").read_bytes()
    assert written == (tmp_path / "theirs.tar").read_bytes()
    assert tar.index() == index_shard(tmp_path / "ours.tar")
    members = [place for sample in tar.index().samples for place in sample.members.values()]
    assert [written[start : start + size] for start, size in members] == list(files.values())
