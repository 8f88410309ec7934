"""The shard format, written and read: WebDataset tars, each with an index of offsets beside it.

A folder of shards:

    shard-000000.tar              samples; any WebDataset reader can read it
    shard-000000.tar.index.json   size, SHA-256, and where each member of each sample lies

A tar gets its name only when it is whole and on disk, so a killed or failed writer leaves no half-written shard. The index makes a sample
reachable in one read; one that is missing or unreadable is made again from the tar.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from tarfile import BLOCKSIZE
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unite.data.address import Address
from unite.data.index import INDEX_SUFFIX, load_index
from unite.data.indexed_samples import IndexedSample
from unite.data.rows import Row, from_members, to_members
from unite.data.tar import IndexedTar
from unite.data.tar_members import Member
from unite.errors import DataError, must_be
from unite.files import make_folder, partial_path
from unite.progress import tracked

if TYPE_CHECKING:
    import webdataset

#: Written into every tar header instead of the clock, so that equal samples give equal checksums. A float would cost a kilobyte a member.
_MTIME = 0
_BUFFER = 1 << 20
#: Bytes of rows that are copied at a time, and that one read may take beside what it is for.
_PIECE = 1 << 23


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
        make_folder(self.folder)
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
        self._check_new(row.key)
        members = to_members(row)
        self._keys.add(row.key)
        self._opened().write({"__key__": row.key, **members})
        self._count(1)

    def copy(self, reader: ShardReader, start: int, stop: int) -> None:
        """Appends rows start..stop of one shard that a `ShardWriter` wrote: the bytes that `write` gives, without decoding any."""
        while start < stop:
            end = min(stop, start + self.samples_per_shard - self._num_open)
            keys, members, blocks = reader.as_they_lie(start, end)
            for key in keys:
                self._check_new(key)
                self._keys.add(key)
            self._opened().tarstream.append(members, blocks)
            self._count(end - start)
            start = end

    def _check_new(self, key: str) -> None:
        if key in self._keys:
            raise DataError(must_be("the key of a row", "unique in its folder", key))

    def _opened(self) -> webdataset.TarWriter:
        if self._tar is None:
            import webdataset  # and torch with it, which takes a second: not for who only reads

            self._path = self.folder / f"{self.prefix}-{len(self.paths):06d}.tar"
            self._partial = partial_path(self._path)
            self._file = self._partial.open("wb", buffering=_BUFFER)
            # User and group are fixed by webdataset, the clock by us. Its own tar takes twice the time.
            self._tar = webdataset.TarWriter(self._file, encoder=False, mtime=_MTIME)
            self._tar.tarstream = IndexedTar(self._file)
        return self._tar

    def _count(self, num_rows: int) -> None:
        self._num_open += num_rows
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
            self._tar.tarstream.index().save(self._path.with_name(self._path.name + INDEX_SUFFIX))
            self._partial.replace(self._path)
        except BaseException:
            self._discard_shard()
            raise
        self.paths.append(self._path)
        self._tar, self._num_open = None, 0

    def _discard_shard(self) -> None:
        if self._tar is None:
            return
        tar, self._tar, self._num_open = self._tar, None, 0
        for open_one in (tar, self._file):  # the tar too, which would write to a closed file when it is forgotten
            with contextlib.suppress(OSError):  # the disk is full: what is in the buffer goes with the partial file
                open_one.close()
        self._partial.unlink(missing_ok=True)


class ShardReader:
    """Random access to the rows of one or more shards, in the order given.

    Safe to send to worker processes: nothing is kept open.
    """

    def __init__(self, shards: Sequence[str | Path | Address]) -> None:
        """Loads the indices, making those that are missing (see `unite.data.index`).

        Args:
            shards: paths, or addresses that fsspec knows (`s3://bucket/shard-000000.tar`).

        Raises:
            DataError: if there is no shard, or one is missing, truncated, or has changed since it was indexed.
        """
        if not shards:
            raise DataError("no shards: the list of paths is empty.")
        self.addresses = [Address.of(shard) for shard in shards]
        self.indices = [load_index(address) for address in tracked(self.addresses, "the index of shards", "shards")]
        self._starts = np.cumsum([0, *(len(index.samples) for index in self.indices)])
        self._chosen: NDArray[np.int64] | None = None

    @classmethod
    def of_folder(cls, folder: str | Path) -> ShardReader:
        """Reads every whole shard of a folder, by name."""
        paths = sorted(Path(folder).glob("*.tar"))
        if not paths:
            raise DataError(must_be("a shard folder", "a folder that holds .tar shards", str(folder), "Build or copy them first."))
        return cls(paths)

    def of_rows(self, rows: NDArray[np.int64]) -> ShardReader:
        """Returns a reader of some rows, in the order given."""
        chosen = copy.copy(self)
        chosen._chosen = rows if self._chosen is None else self._chosen[rows]
        return chosen

    @property
    def rows(self) -> NDArray[np.int64] | None:
        """Which rows of the shards it reads; None where it is all of them."""
        return self._chosen

    def __len__(self) -> int:
        return int(self._starts[-1]) if self._chosen is None else len(self._chosen)

    def __iter__(self) -> Iterator[Row]:
        return (self.read(position) for position in range(len(self)))

    def name(self, position: int) -> str:
        """Returns `shard/key` of the sample at a position, for logs and errors."""
        address, sample = self._find(position)
        return f"{address.name}/{sample.key}"

    def identity(self, position: int) -> tuple[str, str]:
        """Returns the SHA-256 of the shard of a sample, and its key in it: what it holds, without reading it."""
        shard, sample = self._place(position)
        return self.indices[shard].sha256, sample.key

    def read(self, position: int) -> Row:
        """Returns the row at a position in 0..len-1. Raises DataError if it cannot be read or is not in the row format."""
        address, sample = self._find(position)
        # The members of a sample follow one another, if plain tar did not write them: then one read for all of them.
        first = min(offset for offset, _ in sample.members.values())
        last = max(offset + size for offset, size in sample.members.values())
        if last - first > 2 * sum(size for _, size in sample.members.values()) + _PIECE:
            members = {name: address.read(offset, offset + size) for name, (offset, size) in sample.members.items()}
        else:
            data = address.read(first, last)
            members = {name: data[offset - first : offset - first + size] for name, (offset, size) in sample.members.items()}
        if any(len(members[name]) != size for name, (_, size) in sample.members.items()):
            raise DataError(f"shard {address} ends inside sample {sample.key}: it changed since it was indexed.")
        return from_members(sample.key, members)

    def as_they_lie(self, start: int, stop: int) -> tuple[list[str], list[Member], Iterator[bytes]]:
        """Returns the keys of rows start..stop, the places of their members counted from the first, and their blocks of the tar.

        They must lie in one shard, written by a `ShardWriter`: there a sample begins where the one before it ends.
        """
        shard, _ = self._place(start)
        before = int(self._starts[shard])
        samples = self.indices[shard].samples[start - before : stop - before]
        first = _end(self.indices[shard].samples[start - before - 1]) if start > before else 0
        members = [
            Member(f"{sample.key}.{name}", offset - first, size) for sample in samples for name, (offset, size) in sample.members.items()
        ]
        last = _end(samples[-1])
        blocks = (self.addresses[shard].read(at, min(at + _PIECE, last)) for at in range(first, last, _PIECE))
        return [sample.key for sample in samples], members, blocks

    def checksum(self) -> str:
        """Returns one SHA-256 over the shards' own, in order: the fingerprint of the data."""
        return hashlib.sha256("".join(index.sha256 for index in self.indices).encode()).hexdigest()

    def _find(self, position: int) -> tuple[Address, IndexedSample]:
        shard, sample = self._place(position)
        return self.addresses[shard], sample

    def _place(self, position: int) -> tuple[int, IndexedSample]:
        if not 0 <= position < len(self):
            raise IndexError(must_be("the position of a row", f"from 0 to {len(self) - 1}", position))
        if self._chosen is not None:
            position = int(self._chosen[position])
        shard = int(np.searchsorted(self._starts, position, side="right")) - 1
        return shard, self.indices[shard].samples[position - int(self._starts[shard])]


def _end(sample: IndexedSample) -> int:
    """Returns where the blocks of a sample end."""
    last = max(offset + size for offset, size in sample.members.values())
    return -(-last // BLOCKSIZE) * BLOCKSIZE
