"""The contents of a task on disk, each decoded only if it has to be embedded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from unite.data.decode import Decoding, decode_content
from unite.data.rows import StoredContent, StoredMedium
from unite.data.shards import ShardReader
from unite.errors import DataError
from unite.types import Content, Modality, fingerprint


@dataclass(frozen=True, eq=False)
class LazyContent:
    """A content that is not decoded yet, but can be told from others.

    Attributes:
        stored: its text and encoded media.
        decoding: how its media will be decoded.
        name: `shard/key`, for errors.
    """

    stored: StoredContent
    decoding: Decoding
    name: str

    @cached_property
    def fingerprint(self) -> int:
        """63-bit hash of the instruction, the text, the media's bytes and how they are decoded; of a text, that of its `Content`."""
        stored = self.stored
        if not stored.media:
            return Content(stored.text, instruction=stored.instruction).fingerprint
        media = (part for medium in stored.media for part in (str(medium.modality), medium.data))
        return fingerprint("stored", repr(self.decoding), stored.instruction, stored.text, *media)

    def decode(self) -> Content:
        """Returns the content. Raises DataError, with its name, if a medium cannot be decoded."""
        try:
            return decode_content(self.stored, self.decoding)
        except DataError as error:
            raise DataError(f"{self.name} cannot be evaluated: {error}") from error


class StoredContents(Sequence[LazyContent]):
    """The contents of shards, read one at a time."""

    def __init__(self, reader: ShardReader, decoding: Decoding) -> None:
        self.reader = reader
        self.decoding = decoding

    def __len__(self) -> int:
        return len(self.reader)

    def __getitem__(self, at: int) -> LazyContent:  # type: ignore[override]  # no slices: they would read all at once
        if not 0 <= at < len(self):
            raise IndexError(at)
        return LazyContent(self.reader.read(at).query, self.decoding, self.reader.name(at))


@dataclass(frozen=True)
class FileContent:
    """A content whose media are files of a benchmark, not read yet.

    Attributes:
        text, instruction: as in `Content`.
        media: (modality, path) of each medium, in the order of their places.
    """

    text: str = ""
    media: tuple[tuple[Modality, Path], ...] = ()
    instruction: str = ""

    @property
    def modality(self) -> Modality:
        """As of `Content`."""
        modality = Content(self.text).modality
        for kind, _ in self.media:
            modality |= kind
        return modality


class FileContents(Sequence[LazyContent]):
    """Contents whose media are files, read one at a time.

    Args:
        contents: what to read.
        names: (N,) what to call each in an error.
        decoding: how the media will be decoded.
    """

    def __init__(self, contents: Sequence[FileContent], names: Sequence[str], decoding: Decoding) -> None:
        self.contents = contents
        self.names = names
        self.decoding = decoding

    def __len__(self) -> int:
        return len(self.contents)

    def __getitem__(self, at: int) -> LazyContent:  # type: ignore[override]  # no slices: they would read all at once
        if not 0 <= at < len(self):
            raise IndexError(at)
        content = self.contents[at]
        try:
            media = tuple(StoredMedium(kind, path.read_bytes(), path.suffix.lstrip(".").lower()) for kind, path in content.media)
        except OSError as error:
            raise DataError(f"{self.names[at]} cannot be read: {error}") from error
        return LazyContent(StoredContent(content.text, media, content.instruction), self.decoding, self.names[at])
