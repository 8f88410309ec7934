"""The members of a tar, listed by reading it once, whole and in order, or refused by name.

What no reader of tars would see is told: a tar that is cut, one that goes on after its end, links whose file is not there.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterable, Sequence
from typing import BinaryIO, NamedTuple

from unite.errors import DataError, first_of, must_be

#: What a compressed file begins with, whatever its name, and by which program it is.
_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
#: Bytes that tell.
HEAD = max(map(len, _COMPRESSED))
_CHUNK = 1 << 20
#: A tar ends with two empty blocks.
_END = 2 * tarfile.BLOCKSIZE


class Member(NamedTuple):
    """A file in a tar: its path, where its content begins, and how long it is."""

    name: str
    offset: int
    size: int


class Leftover(NamedTuple):
    """A member that is of no sample, and why."""

    name: str
    why: str


class HashedFile:
    """A file that is read once.

    Attributes:
        num_bytes: read so far.
        used: where the last byte of them that is not zero ends.
        head: the first `HEAD`.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.num_bytes = self.used = 0
        self.head = b""

    def read(self, size: int) -> bytes:
        """Reads on, as of a file."""
        data = self._file.read(size)
        self._digest.update(data)
        filled = len(data.rstrip(b"\0"))
        self.used = self.num_bytes + filled if filled else self.used
        self.num_bytes += len(data)
        self.head = self.head or data[:HEAD]
        return data

    def read_to_end(self) -> None:
        """Reads what is left."""
        while self.read(_CHUNK):
            pass

    @property
    def sha256(self) -> str:
        """Of what was read."""
        return self._digest.hexdigest()


def plain_members(content: HashedFile) -> list[Member] | None:
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
        members.append(Member(name.removeprefix("./"), content.num_bytes, size))
        padded = -(-size // block) * block
        if len(content.read(padded)) != padded:
            return None
    end = content.num_bytes - len(header)
    content.read_to_end()
    return members if content.used <= end <= content.num_bytes - _END else None


def any_members(content: HashedFile, shard: str) -> tuple[list[Member], list[Leftover]]:
    """Returns the members of any tar, and what is none. Raises DataError if it is no tar, truncated, gzipped, or goes on after its end."""
    try:
        with tarfile.open(fileobj=content, mode="r|", bufsize=_CHUNK) as tar:  # type: ignore[call-overload]  # read() is all it needs
            members, left = members_of(tar)
            end = tar.offset
    except (tarfile.TarError, EOFError) as error:
        compressed = compression_of(content.head)
        if compressed:
            hint = "Rows are read by where they lie in it: unpack it."
            raise DataError(must_be(f"shard {shard}", "a tar that is not compressed", f"compressed by {compressed}", hint)) from error
        raise DataError(f"shard {shard} is not a whole tar file ({error}). Copy or write it again.") from error
    content.read_to_end()
    check_end(shard, end, content.used, content.num_bytes)
    return members, left


def compression_of(head: bytes) -> str:
    """Returns the program that a file which begins so was compressed by; "" if it was by none."""
    return next((name for begin, name in _COMPRESSED.items() if head.startswith(begin)), "")


def check_end(shard: str, end: int, used: int, num_bytes: int) -> None:
    """Raises DataError if a tar is cut, or goes on after its end: what stands there no reader of tars sees.

    Args:
        shard: its name.
        end: where its last member ends.
        used: where its last byte that is not zero ends.
        num_bytes: its length.
    """
    if num_bytes < max(end, used) + _END:  # cut between two samples, it would read as a shorter shard
        raise DataError(f"shard {shard} is truncated: the two empty blocks that end a tar are missing. Copy or write it again.")
    if used > end:
        hint = "Two tars in one (join tars with tar -A), or broken from there on: write it again."
        raise DataError(must_be(f"shard {shard}", f"empty after its end at byte {end}", f"filled up to byte {used}", hint))


def members_of(tar: tarfile.TarFile) -> tuple[list[Member], list[Leftover]]:
    """Reads all headers of a tar. A hard link is the member that it names, which tar writes once."""
    members: dict[str, Member] = {}
    listed: list[Member] = []
    left: list[Leftover] = []
    for info in tar:
        tar.members = []  # type: ignore[attr-defined]  # it would keep every header
        if info.isdir():
            continue
        name = info.name.removeprefix("./")
        linked = members.get(info.linkname.removeprefix("./")) if info.islnk() else None
        if info.isreg() and not info.issparse():
            listed.append(Member(name, info.offset_data, info.size))
        elif linked is not None:
            listed.append(linked._replace(name=name))
        else:
            left.append(Leftover(name, _kind(info)))
            continue
        members[name] = listed[-1]
    return listed, left


def check_names(shard: str, members: Iterable[Member]) -> None:
    """Raises DataError if a member of a tar would leave its folder."""
    for member in members:
        if member.name.startswith("/") or ".." in member.name.split("/"):
            raise DataError(must_be(f"a member of {shard}", "a name inside its folder", member.name))


def named(left: Sequence[Leftover]) -> str:
    """Returns the first of what is left over, and how many there are."""
    return first_of([f"{one.name} ({one.why})" for one in left])


def _kind(info: tarfile.TarInfo) -> str:
    if info.issym():
        return f"a symbolic link to {info.linkname}"
    if info.islnk():
        return f"a hard link to {info.linkname}, which is not before it"
    return "a sparse file" if info.issparse() else "no file"
