"""The contents of a task on disk, each decoded only if it has to be embedded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from unite.data.decode import Decoding, decode_content
from unite.data.rows import StoredContent
from unite.data.shards import ShardReader
from unite.errors import DataError
from unite.types import Content, fingerprint


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
