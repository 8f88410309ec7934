"""Where shards lie: a path, or an address of any store that fsspec knows (`s3://bucket/set/shard-000000.tar`).

Both are read by ranges of bytes with nothing kept open: a source of thousands of shards needs no thousands of open files, and forked
workers share no position in one. What a store needs to be told (an endpoint, a key) it takes from fsspec's own configuration.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from glob import escape, glob, has_magic
from pathlib import Path
from typing import Any, BinaryIO, cast

from fsspec.core import url_to_fs

from unite.errors import DataError, must_be
from unite.files import with_an_end

#: What stores call that which changes with a file's content, the surest first.
_VERSIONS = ("ETag", "etag", "md5Hash", "content_md5", "mtime", "LastModified", "last_modified", "updated", "modified", "created")


@dataclass(frozen=True)
class FileState:
    """What is known of a file without reading it.

    Attributes:
        num_bytes: its size.
        version: another content has another one: the time of its last change in ns, or what the store says ("" if it says nothing).
    """

    num_bytes: int
    version: str


@dataclass(frozen=True)
class Located:
    """A path, or the address of a store.

    Attributes:
        text: which.
    """

    text: str

    def __str__(self) -> str:
        return self.text

    @property
    def is_local(self) -> bool:
        """Whether it is a path."""
        return "://" not in self.text

    @property
    def path(self) -> Path:
        """The path it is."""
        return Path(self.text)

    @property
    def name(self) -> str:
        """Its last part."""
        return self.text.rpartition("/")[2]


@dataclass(frozen=True)
class Address(Located):
    """A file by path or address.

    Every method that touches the file raises DataError, naming it, if it is not there or cannot be read.
    """

    @classmethod
    def of(cls, where: str | Path | Address) -> Address:
        """Takes what a user writes."""
        return where if isinstance(where, Address) else cls(str(where))

    def beside(self, suffix: str) -> Address:
        """Returns the address of what stands beside it under its name and a suffix."""
        return Address(self.text + suffix)

    def state(self) -> FileState:
        """Returns its size and version."""
        with self._named():
            if self.is_local:
                status = self.path.stat()
                return FileState(status.st_size, str(status.st_mtime_ns))
            store, path = url_to_fs(self.text)
            facts = store.info(path)
            if facts.get("size") is None:
                raise DataError(must_be(f"the store of {self}", "one that tells the size of a file", "one that does not"))
            return FileState(int(facts["size"]), str(next((facts[name] for name in _VERSIONS if facts.get(name)), "")))

    def read(self, start: int = 0, stop: int | None = None) -> bytes:
        """Returns its bytes from `start` to before `stop`, the whole file by default; fewer if it ends before."""
        with self._named():
            if self.is_local:
                with with_an_end(self.path).open("rb") as file:
                    file.seek(start)
                    return file.read(-1 if stop is None else stop - start)
            store, path = url_to_fs(self.text)
            return bytes(store.cat_file(path, start=start, end=stop))

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Opens it to be read from its beginning to its end."""
        with self._named():
            if self.is_local:
                with self.path.open("rb") as file:
                    yield file
                return
            store, path = url_to_fs(self.text)
            with store.open(path, "rb") as file:
                yield cast(BinaryIO, file)

    @contextmanager
    def _named(self) -> Iterator[None]:
        with named_errors(self.text):
            yield


@contextmanager
def named_errors(address: str) -> Iterator[None]:
    """Turns what a store raises into a DataError that names the address."""
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(must_be("a shard", "an existing .tar file", address)) from error
    except ImportError as error:  # fsspec loads the package of a store when it is first asked for
        raise DataError(f"{address} cannot be opened ({error}). Install what that kind of address needs.") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{address} cannot be read ({error}).") from error


def find_shards(where: str) -> list[Address]:
    """Returns the shards that a path, a glob or an address means, sorted; a folder means the .tar files in it.

    Raises:
        DataError: if the store is unknown or cannot be listed.
    """
    if "://" not in where:
        if Path(where).is_file():  # as it stands, whatever brackets are in it
            return [Address(where)]
        pattern = str(Path(escape(where)) / "*.tar") if Path(where).is_dir() else where
        return [Address(name) for name in sorted(glob(pattern, recursive=True))]
    with named_errors(where):
        store, path = url_to_fs(where)
        pattern = path if has_magic(path) or path.endswith(".tar") else f"{path.rstrip('/')}/*.tar"
        found: list[Any] = store.glob(pattern) if has_magic(pattern) else [path] * store.isfile(path)
        return [Address(str(store.unstrip_protocol(name))) for name in sorted(found)]


def existing_shards(where: str, option: str) -> list[Address]:
    """Returns the shards as `find_shards` does; `option` is what says where, for the message.

    Raises:
        DataError: as `find_shards`, or if there is none.
    """
    found = find_shards(where)
    if not found:
        raise DataError(must_be(option, "a folder or glob with .tar shards", where, where_shards_are_missing(where)))
    return found


def where_shards_are_missing(where: str) -> str:
    """Returns what to do where a path, a glob or an address means no shard."""
    there = [Path(where), *Path(where).glob("*.*gz"), *Path(where).glob("*/*/*.*gz")] if "://" not in where else []
    if any(path.name.endswith((".tar.gz", ".tgz")) and path.is_file() for path in there):
        return "Those there are gzipped, and rows are read by where they lie in a tar: unpack them (gunzip)."
    return "Curate or copy the shards there, or name another place."
