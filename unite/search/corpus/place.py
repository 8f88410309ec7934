"""Where a stored corpus and what lies beside it are: a path, or an address in a store that fsspec and LanceDB both know.

A file is whole or not there. On disk it is written under another name, which is changed (`unite.files`); an object of a store is shown
once all of it has arrived. Of many files together a store promises nothing, and it holds no lock for a process that may die: what is done
instead stands where it is needed (`beside.py`, `lock.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pyarrow as pa
from fsspec.core import url_to_fs

from unite.data.address import Address, Located
from unite.embedding.addresses import path_of_uri
from unite.errors import ConfigError, DataError, must_be
from unite.files import as_json, read_json, whole_file

#: Stores that are offered, as fsspec calls them -> as LanceDB does. That of fsspec's memory is for tests: it ends with the process.
_STORES = {"s3": "s3", "gs": "gs", "az": "az", "memory": "shared-memory"}
#: An address of one of them without a bucket, or with a slash too few, which LanceDB takes for one and a path is not.
_HALF = re.compile(rf"({'|'.join(_STORES)}):(/*|/[^/].*)")


@dataclass(frozen=True)
class Place(Located):
    """A file or folder by path or address.

    Attributes:
        text: which, without a slash at its end.

    Raises:
        ConfigError: if the store is none of those that are offered, or what it needs is not installed.
        DataError: at each use, if the store refuses.
        OSError: likewise, of the disk.
    """

    @classmethod
    def of(cls, where: str | Path | Place) -> Place:
        """Takes what a user writes."""
        if isinstance(where, Place):
            return where
        text = str(where)
        if text.lower().startswith("file:"):
            text = str(path_of_uri(text))
        if ("://" in text and text.partition("://")[0] not in _STORES) or _HALF.fullmatch(text):
            known = f"a path, or an address that begins with {', '.join(f'{name}://<bucket>' for name in _STORES)}"
            hint = "Write it to one of these, and copy it from there."
            raise ConfigError(must_be("the place of a corpus", known, text, hint))
        place = cls(text.rstrip("/") if "://" in text else text)
        if not place.is_local:
            place._store()  # what it needs is told at once
        return place

    def __truediv__(self, name: str) -> Place:
        return Place(str(self.path / name) if self.is_local else f"{self.text}/{name}")

    @property
    def lance(self) -> str:
        """Returns the address by which LanceDB knows it."""
        if self.is_local:
            return self.text
        store, _, rest = self.text.partition("://")
        return f"{_STORES[store]}://{rest}"

    def absolute(self) -> Place:
        """Returns it as other processes know it, whatever folder they run in."""
        return Place(str(self.path.absolute())) if self.is_local else self

    def is_file(self) -> bool:
        """Whether it is a file that is there."""
        if self.is_local:
            return self.path.is_file()
        with self._named():
            store, path = self._fresh()
            return bool(store.isfile(path))

    def state(self) -> str:
        """Returns what changes when the file does; "" of none."""
        return Address(self.text).state().version if self.is_file() else ""

    def read(self) -> pa.Buffer:
        """Returns the file's bytes; those of the disk are mapped. Raises FileNotFoundError if it is not there."""
        if self.is_local:
            with pa.memory_map(self.text) as file:
                return file.read_buffer()
        with self._named():
            store, path = self._fresh()
            return pa.py_buffer(store.cat_file(path))

    def read_text(self, encoding: str) -> str:
        """Returns the file's text. Raises FileNotFoundError if it is not there."""
        if self.is_local:
            return self.path.read_text(encoding)
        return str(self.read().to_pybytes(), encoding)

    def read_json(self, hint: str) -> dict[str, Any]:
        """As `unite.files.read_json`."""
        return read_json(self, hint)

    def write(self, data: bytes | pa.Buffer) -> None:
        """Writes the file, whole or not at all."""
        if self.is_local:
            with whole_file(self.path) as partial, partial.open("wb") as file:
                file.write(data)
            return
        with self._named(is_written=True):
            store, path = self._store()
            store.pipe_file(path, bytes(data))

    def write_json(self, value: Any) -> None:
        """Writes a JSON file, whole or not at all."""
        self.write(as_json(value).encode(errors="backslashreplace"))

    def claim(self, data: bytes) -> bool:
        """Writes the object of a store if there is none, and returns whether that was so: of two processes at once one alone does."""
        with self._named(is_written=True):
            store, path = self._fresh()
            try:
                store.pipe_file(path, data, mode="create")
            except FileExistsError:
                return False
            return True

    def take(self, file: Path) -> None:
        """Takes a file of the disk over, as an object of a store."""
        with self._named(is_written=True):
            store, path = self._store()
            store.put_file(str(file), path)

    def glob(self, pattern: str) -> list[Place]:
        """Returns the files of the folder whose names match, sorted; none where there is no folder."""
        if self.is_local:
            return [Place(str(path)) for path in sorted(self.path.glob(pattern))]
        with self._named():
            store, path = self._fresh()
            try:
                listed = store.ls(path, detail=False)
            except FileNotFoundError:
                return []
            names = sorted(name.rstrip("/").rpartition("/")[2] for name in listed)
        return [self / name for name in names if fnmatchcase(name, pattern)]

    def remove(self) -> None:
        """Removes the file, if it is there."""
        if self.is_local:
            self.path.unlink(missing_ok=True)
            return
        with self._named():
            store, path = self._fresh()
            try:
                store.rm_file(path)
            except FileNotFoundError:
                return

    def _store(self) -> tuple[Any, str]:
        try:
            store, path = url_to_fs(self.text)
        except ImportError as error:
            raise ConfigError(f"{self} cannot be opened ({error}).") from error
        return store, path

    def _fresh(self) -> tuple[Any, str]:
        """Returns the store without what it remembers of listings: other processes write there too."""
        store, path = self._store()
        store.invalidate_cache()
        return store, path

    @contextmanager
    def _named(self, *, is_written: bool = False) -> Iterator[None]:
        """Turns what a store raises into a DataError that names the place, but not that a file that is read is not there."""
        try:
            yield
        except FileNotFoundError as error:
            if not is_written:
                raise
            raise DataError(f"{self} cannot be written ({error}). Make the bucket first.") from error
        except (OSError, ValueError) as error:
            raise DataError(f"the store of {self} refuses ({error}).") from error
