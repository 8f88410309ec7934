"""A row of a corpus before it is embedded: a text, media that are not read yet, and what else is known of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from unite.config.schema.media import Decoding
from unite.data.address import Address
from unite.data.rows import StoredContent, StoredMedium
from unite.embedding.lazy import LazyContent
from unite.errors import DataError, must_be
from unite.media import KINDS, Kind, kind_of, kind_of_bytes
from unite.types import Modality, escape_places, utf8

#: Types of metadata by what a value is.
Scalar = str | int | float | bool


class Key(NamedTuple):
    """What is known of a row without its media being read: by these a change is seen.

    Attributes:
        id: unique in the corpus.
        size: of its files in bytes; -1 where one is not there.
        modified: when the last of them was changed, in ns, or another number that changes with them.
    """

    id: str
    size: int
    modified: int


@dataclass(frozen=True)
class MediumAt:
    """A medium that is not read yet.

    Attributes:
        modality: what it is; None where its bytes will tell.
        where: its path or address, or what to call it where `read_bytes` reads it.
        read_bytes: reads it, where it is no file.
    """

    modality: Modality | None
    where: str
    read_bytes: Callable[[], bytes] | None = field(default=None, compare=False)

    def read(self, decoding: Decoding) -> StoredMedium:
        """Reads it. Raises DataError if it is not there, or is no medium."""
        if self.read_bytes is None and self.modality is not None and "://" not in self.where:
            try:
                return StoredMedium(self.modality, *kind_of(self.modality).read(Path(self.where), decoding))
            except OSError as error:
                raise DataError(f"{self.where} cannot be read: {error.strerror or error}") from error
        data = self.read_bytes() if self.read_bytes is not None else Address(self.where).read()
        modality = self.modality or self._told_by(data).modality
        return StoredMedium(modality, data, Path(self.where).suffix.lstrip(".").lower())

    def _told_by(self, data: bytes) -> Kind:
        kind = kind_of_bytes(data)
        if kind is None:
            words = " or ".join(kind.word for kind in KINDS)
            raise DataError(must_be(self.where, f"the bytes of {words}", f"{len(data)} bytes that begin with {data[:12]!r}"))
        return kind


@dataclass(frozen=True)
class CorpusRow:
    """A row.

    Attributes:
        source: where it lies, as `unite.search.corpus.stored` tells it.
        text: as it was written, "" without one.
        media: of it, in the order in which they are embedded.
        metadata: what else is known, by column.
    """

    source: str
    text: str = ""
    media: tuple[MediumAt, ...] = ()
    metadata: Mapping[str, Scalar] = field(default_factory=dict)

    def content(self, decoding: Decoding, instruction: str, *, media_alone: bool) -> LazyContent:
        """Returns what is embedded of it; nothing is read.

        Args:
            decoding: how its media will be decoded.
            instruction: of the content.
            media_alone: whether a text beside media is left out.

        Raises:
            DataError: if there is neither text nor medium, or the text is no Unicode.
        """
        if not self.text.strip() and not self.media:
            raise DataError(must_be(self.source, "a text, a medium or both", "empty"))
        utf8(self.text)
        text = "" if media_alone and self.media else escape_places(self.text)

        def read() -> StoredContent:
            return StoredContent(text, tuple(medium.read(decoding) for medium in self.media), escape_places(instruction))

        return LazyContent(read, decoding, self.source)


class CorpusSource(Protocol):
    """What rows come from: reached by position, so that several processes share them. It can be sent to another process.

    Attributes:
        address: as it was given.
    """

    address: str

    @property
    def columns(self) -> Mapping[str, str]:
        """The metadata's columns and their types (`unite.search.corpus.layout.TYPES`): known for certain after `survey`."""
        ...

    def __len__(self) -> int: ...

    def survey(self) -> Iterator[Key]:
        """Yields the key of every row in the order of their positions; media are not read."""
        ...

    def row(self, position: int) -> CorpusRow:
        """Returns a row. Raises DataError if it cannot be read."""
        ...

    def state(self, position: int) -> tuple[int, int] | None:
        """Returns the size and time of change that a row's files have by now; None where that is not known of one row."""
        ...

    def files(self) -> Sequence[Path]:
        """Returns the files of this machine that many rows lie in."""
        ...

    def left(self) -> Sequence[tuple[str, str]]:
        """Returns what lies there and is no row, and why."""
        ...


def state_of(paths: Sequence[str | Path]) -> tuple[int, int]:
    """Returns the size of some files in bytes, and when the last of them was changed, in ns; the size is -1 if one is not there."""
    size = modified = 0
    for path in paths:
        try:
            status = Path(path).stat()
        except OSError:
            return -1, 0
        size, modified = size + status.st_size, max(modified, status.st_mtime_ns)
    return size, modified


def kind_of_value(value: Any) -> str:
    """Returns the type of a value of metadata, "" of one that is none: nested, bytes, empty."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int64" if -(2**63) <= value < 2**63 else "double"
    if isinstance(value, float):
        return "double" if value == value else ""
    return "string" if isinstance(value, str) else ""


def as_utf8(text: str) -> str:
    """Returns a text that can be stored: a file's name that is no UTF-8 has half of surrogate pairs, which are written as escapes."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()
