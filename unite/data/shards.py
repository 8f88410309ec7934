"""The shard format, written and read: WebDataset tars, each with an index of offsets beside it.

A folder of shards:

    shard-000000.tar              samples; any WebDataset reader can read it
    shard-000000.tar.index.json   size, SHA-256, and where each member of each sample lies

A tar gets its name only when it is whole and on disk, so a killed or failed writer leaves no half-written shard. The index makes a sample
reachable in one seek; one that is missing or unreadable is made again from the tar.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import webdataset

from unite.data.rows import Row, from_members, to_members
from unite.errors import DataError, must_be

#: Written into every tar header instead of the clock, so that equal samples give equal checksums. A float would cost a kilobyte a member.
_MTIME = 0
INDEX_SUFFIX = ".index.json"


@dataclass(frozen=True)
class IndexedSample:
    """Where one sample lies: (offset, size) in bytes of each member, by extension."""

    key: str
    members: dict[str, tuple[int, int]]


@dataclass(frozen=True)
class ShardIndex:
    """What is known of one shard without reading it."""

    num_bytes: int
    sha256: str
    samples: tuple[IndexedSample, ...]

    def save(self, path: Path) -> None:
        """Writes the index, whole or not at all."""
        samples = [[sample.key, sample.members] for sample in self.samples]
        text = json.dumps({"num_bytes": self.num_bytes, "sha256": self.sha256, "samples": samples})
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        partial.write_text(text)
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> ShardIndex | None:
        """Reads an index; None if it is missing or unreadable."""
        try:
            fields = json.loads(path.read_text())
            samples = tuple(
                IndexedSample(key, {name: (int(at), int(size)) for name, (at, size) in members.items()})
                for key, members in fields["samples"]
            )
            return cls(int(fields["num_bytes"]), str(fields["sha256"]), samples)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None


def index_shard(path: Path) -> ShardIndex:
    """Scans a tar once and returns its index.

    Raises:
        DataError: if the tar is truncated, is no tar, or holds a member that would leave its folder.
    """
    samples: list[IndexedSample] = []
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                if not member.isfile():
                    continue
                if member.name.startswith("/") or ".." in Path(member.name).parts:
                    raise DataError(must_be(f"a member of {path}", "a name inside its folder", member.name))
                folder, _, name = member.name.rpartition("/")
                stem, _, extension = name.partition(".")
                key = f"{folder}/{stem}" if folder else stem
                if not samples or samples[-1].key != key:
                    samples.append(IndexedSample(key, {}))
                samples[-1].members[extension] = (member.offset_data, member.size)
                if member.offset_data + member.size > path.stat().st_size:
                    raise DataError(f"shard {path} is truncated in member {member.name!r}. Copy or write it again.")
    except (tarfile.TarError, EOFError) as error:
        raise DataError(f"shard {path} is not a whole tar file ({error}). Copy or write it again.") from error
    if not _has_end(path):  # cut between two samples, it would read as a shorter shard
        raise DataError(f"shard {path} is truncated: the two empty blocks that end a tar are missing. Copy or write it again.")
    return ShardIndex(path.stat().st_size, _sha256(path), tuple(samples))


class ShardWriter:
    """Writes rows into shards of at most `samples_per_shard` samples.

    Use it as a context manager. When the block raises (a full disk, say), the shard at hand is discarded and those before it stay whole.

    >>> with ShardWriter("shards/my_source", samples_per_shard=1000) as writer:
    ...     writer.write(Row("000000", StoredContent(text="a cat"), (StoredContent(text="a feline"),)))
    """

    def __init__(self, folder: str | Path, samples_per_shard: int = 1000, prefix: str = "shard") -> None:
        if samples_per_shard < 1:
            raise DataError(must_be("samples_per_shard", "at least 1", samples_per_shard))
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.samples_per_shard = samples_per_shard
        self.prefix = prefix
        self.paths: list[Path] = []
        self._keys: set[str] = set()
        self._num_open = 0
        self._tar: webdataset.TarWriter | None = None

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self._finish_shard()
        else:
            self._discard_shard()

    def write(self, row: Row) -> None:
        """Appends a row; its key must be new in this writer."""
        if row.key in self._keys:
            raise DataError(must_be("the key of a row", "unique in its folder", row.key))
        members = to_members(row)
        self._keys.add(row.key)
        if self._tar is None:
            self._partial = self.folder / f"{self.prefix}-{len(self.paths):06d}.tar.partial"
            self._file = self._partial.open("wb")
            # User and group are fixed by webdataset, the clock by us.
            self._tar = webdataset.TarWriter(self._file, encoder=False, mtime=_MTIME)
        self._tar.write({"__key__": row.key, **members})
        self._num_open += 1
        if self._num_open == self.samples_per_shard:
            self._finish_shard()

    def _finish_shard(self) -> None:
        if self._tar is None:
            return
        try:
            self._tar.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            path = self._partial.with_suffix("")
            index_shard(self._partial).save(path.with_name(path.name + INDEX_SUFFIX))
            self._partial.replace(path)
        except BaseException:
            self._discard_shard()
            raise
        self.paths.append(path)
        self._tar, self._num_open = None, 0

    def _discard_shard(self) -> None:
        if self._tar is None:
            return
        self._tar, self._num_open = None, 0
        with contextlib.suppress(OSError):  # the disk is full: what is in the buffer goes with the partial file
            self._file.close()
        self._partial.unlink(missing_ok=True)


class ShardReader:
    """Random access to the rows of one or more shards, in the order of their paths.

    Safe to send to worker processes: files are opened where they are read.
    """

    def __init__(self, paths: Sequence[str | Path]) -> None:
        """Loads the indices, making those that are missing.

        Raises:
            DataError: if there is no shard, or one is missing, truncated, or has changed since it was indexed.
        """
        if not paths:
            raise DataError("no shards: the list of paths is empty.")
        self.paths = [Path(path) for path in paths]
        self.indices = [_load_index(path) for path in self.paths]
        self._where = [(shard, at) for shard, index in enumerate(self.indices) for at in range(len(index.samples))]
        self._files: dict[int, BinaryIO] = {}
        self._pid = os.getpid()

    @classmethod
    def of_folder(cls, folder: str | Path) -> ShardReader:
        """Reads every whole shard of a folder, by name."""
        paths = sorted(Path(folder).glob("*.tar"))
        if not paths:
            raise DataError(must_be("a shard folder", "a folder that holds .tar shards", str(folder), "Build or copy them first."))
        return cls(paths)

    def __len__(self) -> int:
        return len(self._where)

    def __iter__(self) -> Iterator[Row]:
        return (self.read(at) for at in range(len(self)))

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_files": {}, "_pid": -1}

    def name(self, at: int) -> str:
        """Returns `shard/key` of the sample at a position, for logs and errors."""
        shard, inside = self._where[at]
        return f"{self.paths[shard].name}/{self.indices[shard].samples[inside].key}"

    def read(self, at: int) -> Row:
        """Returns the row at a position in 0..len-1. Raises DataError if it is not in the row format."""
        shard, inside = self._where[at]
        sample = self.indices[shard].samples[inside]
        file = self._open(shard)
        members = {}
        for name, (offset, size) in sample.members.items():
            file.seek(offset)
            members[name] = file.read(size)
            if len(members[name]) != size:
                raise DataError(f"shard {self.paths[shard]} ends inside sample {sample.key}: it changed since it was indexed.")
        return from_members(sample.key, members)

    def checksum(self) -> str:
        """Returns one SHA-256 over the shards' own, in order: the fingerprint of the data."""
        return hashlib.sha256("".join(index.sha256 for index in self.indices).encode()).hexdigest()

    def _open(self, shard: int) -> BinaryIO:
        if self._pid != os.getpid():  # after a fork the parent's file positions must not be shared
            self._files, self._pid = {}, os.getpid()
        if shard not in self._files:
            self._files[shard] = self.paths[shard].open("rb")
        return self._files[shard]


def _load_index(path: Path) -> ShardIndex:
    if not path.is_file():
        raise DataError(must_be("a shard", "an existing .tar file", str(path)))
    beside = path.with_name(path.name + INDEX_SUFFIX)
    index = ShardIndex.load(beside)
    if index is None:
        index = index_shard(path)
        index.save(beside)
    if index.num_bytes != path.stat().st_size:
        is_ = f"{path.stat().st_size} bytes"
        hint = f"It changed since it was indexed: write it again, or delete {beside.name} if the change is meant."
        raise DataError(must_be(f"shard {path}", f"{index.num_bytes} bytes long", is_, hint))
    return index


def _has_end(path: Path) -> bool:
    end = 2 * tarfile.BLOCKSIZE
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - end, 0))
        return file.read() == bytes(end)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
