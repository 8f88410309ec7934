"""A folder of pictures and videos, on disk or in a store that fsspec knows. The text of `a/cat.jpg` stands in `a/cat.txt`, if there is one.

The id of a row is the file's path in the folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from fsspec.core import url_to_fs

from unite.curation.recipes.captioned_folder import read_folder
from unite.data.address import Address, named_errors
from unite.errors import DataError
from unite.media import KINDS, kind_of_file
from unite.search.corpus.rows import CorpusRow, Key, MediumAt, state_of
from unite.types import fingerprint

SUFFIXES = frozenset(f".{suffix}" for kind in KINDS for suffix in kind.suffixes)


@dataclass(frozen=True)
class _File:
    """A medium's file and its caption's, "" without one; of a store also their size and version, which its listing tells."""

    path: str
    caption: str = ""
    state: tuple[int, int] = (0, 0)


class FolderSource:
    """A folder and those in it, as a `CorpusSource`.

    Args:
        address: of the folder.
    """

    columns: Mapping[str, str] = {}

    def __init__(self, address: str) -> None:
        self.address = address
        self._is_local = "://" not in address

    def __len__(self) -> int:
        return len(self._files)

    def survey(self) -> Iterator[Key]:
        """As of `CorpusSource`."""
        for file in self._files:
            yield Key(self._id(file), *(self._state(file) if self._is_local else file.state))

    def row(self, position: int) -> CorpusRow:
        """As of `CorpusSource`."""
        file = self._files[position]
        kind = kind_of_file(PurePosixPath(file.path))
        medium = MediumAt(None if kind is None else kind.modality, file.path)
        return CorpusRow(file.path, self._caption(file.caption), (medium,))

    def state(self, position: int) -> tuple[int, int] | None:
        """As of `CorpusSource`."""
        return self._state(self._files[position]) if self._is_local else None

    def files(self) -> Sequence[Path]:
        """As of `CorpusSource`: none, each row has a file of its own."""
        return ()

    def left(self) -> Sequence[tuple[str, str]]:
        """As of `CorpusSource`."""
        return self._listed[1]

    @property
    def _files(self) -> list[_File]:
        return self._listed[0]

    def _state(self, file: _File) -> tuple[int, int]:
        return state_of([file.path, file.caption] if file.caption else [file.path])

    def _id(self, file: _File) -> str:
        if self._is_local:
            return Path(file.path).relative_to(self.address).as_posix()
        return file.path[len(self._root) :].lstrip("/")

    @cached_property
    def _root(self) -> str:
        store, path = url_to_fs(self.address)
        return str(store.unstrip_protocol(path))

    @cached_property
    def _listed(self) -> tuple[list[_File], list[tuple[str, str]]]:
        if not self._is_local:
            return self._listed_in_store(), []
        found, left = read_folder(Path(self.address), SUFFIXES)
        files = [_File(str(file.path), str(file.captions[0]) if len(file.captions) == 1 else "") for file in found]
        several = [
            ("several members", f"{' and '.join(one.name for one in file.captions)} for {file.path.name}")
            for file in found
            if len(file.captions) > 1
        ]
        near = [
            ("another name", f"{file.near[0].name}, which is not the caption of {file.path.name}")
            for file in found
            if file.near and not file.captions
        ]
        return files, [*several, *near, *left]

    def _listed_in_store(self) -> list[_File]:
        with named_errors(self.address):
            store, path = url_to_fs(self.address)
            store.invalidate_cache()  # what was listed before may have changed
            found = {str(store.unstrip_protocol(name)): facts for name, facts in store.find(path, detail=True).items()}
        files = []
        for name in sorted(found):
            if PurePosixPath(name).suffix.lower() in SUFFIXES and not any(part.startswith(".") for part in name.split("/")[2:]):
                caption = f"{name[: -len(PurePosixPath(name).suffix)]}.txt"
                caption = caption if caption in found else ""
                states = [Address(one).state() for one in (name, caption) if one]
                size = sum(state.num_bytes for state in states)
                files.append(_File(name, caption, (size, fingerprint(*(state.version for state in states)))))
        return files

    def _caption(self, path: str) -> str:
        if not path:
            return ""
        try:
            return Address(path).read().decode("utf-8-sig").strip()
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not in UTF-8 ({error}). Save it as UTF-8.") from error
