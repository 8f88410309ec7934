"""The index of a shard: where each member of each sample lies, so that a sample is reached at once.

It stands beside the shard. One that is missing or unreadable is made again, and kept beside the shard where that can be written (a path),
otherwise in the local cache (`$XDG_CACHE_HOME/unite/indices`), otherwise in memory; the log says which.

A shard that changed since it was indexed is refused by name. A change shows in the size at once. A path that was written to later than its
index, or an address whose store shows another version than this machine saw before, is read once and its SHA-256 compared: so a copied or
touched shard is no changed one, and an unchanged one costs nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

from unite.data.address import Address
from unite.errors import DataError, must_be
from unite.files import write_text
from unite.types import fingerprint

log = logging.getLogger(__name__)

INDEX_SUFFIX = ".index.json"
_CHUNK = 1 << 20
#: A tar ends with two empty blocks.
_END = bytes(2 * tarfile.BLOCKSIZE)
#: Name, where its content begins in the tar, and how long it is.
Member: TypeAlias = tuple[str, int, int]


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
        write_text(path, json.dumps({"num_bytes": self.num_bytes, "sha256": self.sha256, "samples": samples}))

    @classmethod
    def of_members(cls, num_bytes: int, sha256: str, members: Iterable[Member]) -> ShardIndex:
        """Groups the members of a tar, in its order, into samples: by their name up to the first dot."""
        samples: list[IndexedSample] = []
        for path, offset, size in members:
            folder, _, name = path.rpartition("/")
            stem, _, extension = name.partition(".")
            key = f"{folder}/{stem}" if folder else stem
            if not samples or samples[-1].key != key:
                samples.append(IndexedSample(key, {}))
            samples[-1].members[extension] = (offset, size)
        return cls(num_bytes, sha256, tuple(samples))

    @classmethod
    def load(cls, where: str | Path | Address) -> ShardIndex | None:
        """Reads an index; None if it is missing or unreadable."""
        try:
            fields = json.loads(Address.of(where).read())
            samples = tuple(
                IndexedSample(key, {name: (int(offset), int(size)) for name, (offset, size) in members.items()})
                for key, members in fields["samples"]
            )
            return cls(int(fields["num_bytes"]), str(fields["sha256"]), samples)
        except (DataError, ValueError, KeyError, TypeError, AttributeError):
            return None


def index_shard(where: str | Path | Address) -> ShardIndex:
    """Reads a tar once, from its beginning to its end, and returns its index.

    Raises:
        DataError: if the tar is truncated, is no tar, or holds a member that would leave its folder.
    """
    shard = Address.of(where)
    with shard.opened() as file:
        content = _Hashed(file)
        members = _plain_members(content)
    if members is None:
        with shard.opened() as file:
            content = _Hashed(file)
            members = _members(content, shard)
    if content.tail != _END:  # cut between two samples, it would read as a shorter shard
        raise DataError(f"shard {shard} is truncated: the two empty blocks that end a tar are missing. Copy or write it again.")
    for path, _, _ in members:
        if path.startswith("/") or ".." in path.split("/"):
            raise DataError(must_be(f"a member of {shard}", "a name inside its folder", path))
    return ShardIndex.of_members(content.num_bytes, content.sha256, members)


def _plain_members(content: _Hashed) -> list[Member] | None:
    """Returns the members of a tar of plain files as `ShardWriter` writes it, a quarter of the time that `tarfile` takes.

    None for any other (long names, links, a truncated one): that is `tarfile`'s to read or to refuse.
    """
    block, members = tarfile.BLOCKSIZE, list[Member]()
    while len(header := content.read(block)) == block and any(header[:1]):
        try:
            size, checksum = int(header[124:136].rstrip(b" \0"), 8), int(header[148:156].rstrip(b" \0"), 8)
            name = header[:100].rstrip(b"\0").decode("ascii")
        except ValueError:
            return None
        # The checksum is that of the header with eight spaces in its own place; a prefix would be the rest of a long name.
        is_plain = header[156:157] == tarfile.REGTYPE and not any(header[345:500]) and b"\0" not in header[:100].rstrip(b"\0")
        if not is_plain or sum(header) - sum(header[148:156]) + 8 * 32 != checksum:
            return None
        members.append((name, content.num_bytes, size))
        padded = -(-size // block) * block
        if len(content.read(padded)) != padded:
            return None
    content.read_to_end()
    return members if content.tail == _END and len(header) == block else None


def _members(content: _Hashed, shard: Address) -> list[Member]:
    """Returns the members of any tar. Raises DataError if it is none, or truncated."""
    members: list[Member] = []
    try:
        with tarfile.open(fileobj=content, mode="r|", bufsize=_CHUNK) as tar:  # type: ignore[call-overload]  # read() is all it needs
            members += ((member.name, member.offset_data, member.size) for member in tar if member.isfile())
    except (tarfile.TarError, EOFError) as error:
        raise DataError(f"shard {shard} is not a whole tar file ({error}). Copy or write it again.") from error
    content.read_to_end()
    return members


def load_index(where: str | Path | Address) -> ShardIndex:
    """Returns the index of a shard, made anew if need be.

    Raises:
        DataError: if the shard is missing, truncated, or has changed since it was indexed.
    """
    shard = Address.of(where)
    state = shard.state()
    cached = _cached(shard)
    same = cached.pop(_cache_path(shard, state.version), None)
    if same is not None:
        _check_size(shard, same, state.num_bytes, _cache_path(shard, state.version))
        return same
    beside = shard.beside(INDEX_SUFFIX)
    index, place = ShardIndex.load(beside), str(beside)
    # One that came with the shard is believed, until one of the two is seen to have changed.
    is_believed = index is not None and not (_is_newer(shard, beside) if shard.is_local else cached)
    if index is None and cached:
        path, index = next(iter(cached.items()))
        place = str(path)
    if index is None:
        index = index_shard(shard)
        log.info("shard %s was indexed; the index is kept %s", shard, _keep(shard, state.version, index))
        return index
    _check_size(shard, index, state.num_bytes, place)
    if not is_believed:
        _check_content(shard, index, place)
        log.info("shard %s is as it was indexed; noted %s", shard, _keep(shard, state.version, index))
    elif not shard.is_local:
        _keep(shard, state.version, index)
    return index


def _keep(shard: Address, version: str, index: ShardIndex) -> str:
    """Keeps an index that agrees with its shard: beside it, else in the cache. Says where."""
    if shard.is_local:
        beside = shard.beside(INDEX_SUFFIX).path
        with contextlib.suppress(OSError):
            index.save(beside)
            return f"at {beside}"
    cached = _cache_path(shard, version)
    with contextlib.suppress(OSError):
        index.save(cached)
        return f"at {cached}"
    return f"in memory alone, since {cached} cannot be written either"


def _check_size(shard: Address, index: ShardIndex, num_bytes: int, place: str | Path) -> None:
    if index.num_bytes != num_bytes:
        hint = f"It changed since it was indexed: write it again, or delete {place} if the change is meant."
        raise DataError(must_be(f"shard {shard}", f"{index.num_bytes} bytes long", f"{num_bytes} bytes", hint))


def _check_content(shard: Address, index: ShardIndex, place: str | Path) -> None:
    with shard.opened() as file:
        content = _Hashed(file)
        content.read_to_end()
    if content.sha256 != index.sha256:
        hint = f"Its content changed since it was indexed: write it again, or delete {place} if the change is meant."
        raise DataError(must_be(f"shard {shard}", f"of SHA-256 {index.sha256[:12]}...", f"{content.sha256[:12]}...", hint))


def _is_newer(shard: Address, index: Address) -> bool:
    return shard.path.stat().st_mtime_ns > index.path.stat().st_mtime_ns


def _cache_path(shard: Address, version: str) -> Path:
    """Returns where the index of one version of a shard is cached: a folder a shard, a file a version."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    text = str(shard.path.absolute()) if shard.is_local else shard.text
    return root / "unite" / "indices" / f"{fingerprint(text):016x}" / f"{fingerprint(version):016x}{INDEX_SUFFIX}"


def _cached(shard: Address) -> dict[Path, ShardIndex]:
    """Returns the readable indices that are cached for a shard."""
    found = {path: ShardIndex.load(path) for path in sorted(_cache_path(shard, "").parent.glob(f"*{INDEX_SUFFIX}"))}
    return {path: index for path, index in found.items() if index is not None}


class _Hashed:
    """A file that is read once: its length, its hash and its last bytes are known afterwards."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.num_bytes = 0
        self.tail = b""

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._digest.update(data)
        self.num_bytes += len(data)
        self.tail = (data if len(data) >= len(_END) else self.tail + data)[-len(_END) :]
        return data

    def read_to_end(self) -> None:
        while self.read(_CHUNK):
            pass

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()
