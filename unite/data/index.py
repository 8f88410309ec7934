"""The index of a shard: where each member of each sample lies, so that a sample is reached at once.

It stands beside the shard. One that is missing or unreadable is made again, and kept beside the shard where that can be written (a path),
otherwise in the local cache (`$XDG_CACHE_HOME/unite/indices`), otherwise in memory; the log says which.

A shard that changed since it was indexed is refused by name. A change shows in the size at once. A path that was written to later than its
index, or an address whose store shows another version than this machine saw before, is read once and its SHA-256 compared: so a copied or
touched shard is no changed one, and an unchanged one costs nothing.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from unite.data.address import Address
from unite.data.indexed_samples import IndexedSample, StoredSamples
from unite.data.samples import Sample, group
from unite.data.tar_members import HashedFile, Leftover, any_members, check_names, named, plain_members
from unite.errors import DataError, must_be
from unite.files import write_text
from unite.types import fingerprint

log = logging.getLogger(__name__)

INDEX_SUFFIX = ".index.json"


#: How an index begins, so that its samples need not be read to know of it; earlier ones lack the number.
_BEGINNING = re.compile(rb'\{"num_bytes": (\d+), "sha256": "([0-9a-f]+)", "num_samples": (\d+), "samples": \[')
_NUM_FIRST, _END = 256, b"]}"


@dataclass(frozen=True)
class ShardIndex:
    """What is known of one shard without reading it."""

    num_bytes: int
    sha256: str
    samples: Sequence[IndexedSample]

    def save(self, path: Path) -> None:
        """Writes the index, whole or not at all."""
        samples = [[sample.key, sample.members] for sample in self.samples]
        first = {"num_bytes": self.num_bytes, "sha256": self.sha256, "num_samples": len(samples)}
        write_text(path, json.dumps({**first, "samples": samples}))

    @classmethod
    def of_samples(cls, num_bytes: int, sha256: str, samples: Iterable[Sample]) -> ShardIndex:
        """Returns the index of a tar that holds these samples, see `unite.data.samples`."""
        found = (IndexedSample(one.key, {name: (member.offset, member.size) for name, member in one.members}) for one in samples)
        return cls(num_bytes, sha256, tuple(found))

    @classmethod
    def load(cls, where: str | Path | Address) -> ShardIndex | None:
        """Reads an index, of one on disk the beginning alone; None if it is missing or unreadable."""
        address = Address.of(where)
        try:
            if address.is_local and (index := cls._begun(address.path)) is not None:
                return index
            fields = json.loads(address.read())
            samples = tuple(
                IndexedSample(key, {name: (int(offset), int(size)) for name, (offset, size) in members.items()})
                for key, members in fields["samples"]
            )
            return cls(int(fields["num_bytes"]), str(fields["sha256"]), samples)
        except (DataError, OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    @classmethod
    def _begun(cls, path: Path) -> ShardIndex | None:
        """Reads beginning and end of an index; None if they are not those of a whole one."""
        with path.open("rb") as file:
            found = _BEGINNING.match(file.read(_NUM_FIRST))
            if found is None:
                return None
            file.seek(-len(_END), os.SEEK_END)
            if file.read() != _END:
                return None
        return cls(int(found[1]), found[2].decode(), StoredSamples(path, found[2].decode(), int(found[3])))


def index_shard(where: str | Path | Address) -> ShardIndex:
    """Reads a tar once, from its beginning to its end, and returns its index.

    Raises:
        DataError: if the tar is truncated, is no tar or two, is gzipped, or holds a member twice or one that would leave its folder.
    """
    shard = Address.of(where)
    left: list[Leftover] = []
    with shard.opened() as file:
        content = HashedFile(file)
        members = plain_members(content)
    if members is None:
        with shard.opened() as file:
            content = HashedFile(file)
            members, left = any_members(content, str(shard))
    check_names(str(shard), members)
    samples, of_none = group(members)
    twice = next((sample for sample in samples if sample.twice), None)
    if twice is not None:
        hint = "Two tars in one, or a file added again? Write it again."
        raise DataError(must_be(f"the members of sample {twice.key} of {shard}", "different", f"{', '.join(twice.twice)} twice", hint))
    if left or of_none:
        log.warning("shard %s: of no sample, and not read: %s", shard, named([*left, *of_none]))
    return ShardIndex.of_samples(content.num_bytes, content.sha256, samples)


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
        content = HashedFile(file)
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
