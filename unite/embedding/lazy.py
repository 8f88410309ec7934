"""Contents that are not read yet, and what each is known by until then.

    key            known without reading: the shard and sample, or the files' paths, sizes and times of change
    fingerprint    of the text and the media's bytes, so equal contents have equal ones; it takes a reading

A cache remembers which fingerprint a key stood for, so a content whose embedding is cached is never read again. Both tell how the media
will be decoded, each kind by those settings alone that it depends on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

from unite.config.schema.media import Decoding
from unite.data.decode import decode_content
from unite.data.rows import StoredContent, StoredMedium
from unite.data.shards import ShardReader
from unite.errors import DataError
from unite.media import decoding_key, kind_of
from unite.types import Content, Modality, fingerprint, modality_of

T = TypeVar("T")


class LazyContent:
    """A content that is neither read nor decoded yet, but can be told from others.

    Args:
        read: returns its text and encoded media.
        decoding: how its media will be decoded.
        name: `shard/key`, for errors.
        key: 63-bit hash by which it is known without being read; its fingerprint by default.
    """

    def __init__(self, read: Callable[[], StoredContent], decoding: Decoding, name: str, key: int | None = None) -> None:
        self.decoding = decoding
        self.name = name
        self._read = read
        self._key = key

    @classmethod
    def of_stored(cls, stored: StoredContent, decoding: Decoding, name: str) -> LazyContent:
        """Takes a content that is read already."""
        return cls(lambda: stored, decoding, name)

    @property
    def key(self) -> int:
        """63-bit hash that tells it from others; equal contents at two places may have two."""
        return self.fingerprint if self._key is None else self._key

    @cached_property
    def stored(self) -> StoredContent:
        """Its text and encoded media, read once."""
        return self._read()

    @cached_property
    def fingerprint(self) -> int:
        """63-bit hash of the instruction, the text, the media's bytes and how they are decoded; of a text, that of its `Content`."""
        with named(self.name):
            stored = self.stored
            if not stored.media:
                return self._of_text.fingerprint
            media = (part for medium in stored.media for part in (_read_as(medium.modality, self.decoding), medium.data))
            return fingerprint("stored", stored.instruction, stored.text, *media)

    def decode(self) -> Content:
        """Returns the content. Raises DataError, with its name, if a medium cannot be read or decoded."""
        with named(self.name):
            if not self.stored.media and self._of_text.modality:
                return self._of_text
            return decode_content(self.stored, self.decoding, self.name)

    @cached_property
    def _of_text(self) -> Content:
        """A content without media needs no decoding, and knows its fingerprint already."""
        return Content(self.stored.text, instruction=self.stored.instruction, group=self.stored.group)


@contextmanager
def named(name: str) -> Iterator[None]:
    """Has the DataErrors of what is done to a content begin with its name, unless they do."""
    try:
        yield
    except DataError as error:
        if str(error).startswith(name):
            raise
        raise DataError(f"{name} cannot be embedded: {error}") from error


def key_of(content: Content | LazyContent) -> int:
    """Returns what a content is known by without being read."""
    return content.key if isinstance(content, LazyContent) else content.fingerprint


def decoded(content: Content | LazyContent) -> Content:
    """Returns a content decoded."""
    return content.decode() if isinstance(content, LazyContent) else content


def _read_as(modality: Modality, decoding: Decoding) -> str:
    """Returns what of reading them the pixels of media follow from: their kinds, and the settings that these depend on."""
    return f"{modality} {decoding_key(modality, decoding)}".strip()


class StoredContents(Sequence[LazyContent]):
    """The contents of shards, each known by its shard's checksum and its sample's key, and read when it is asked for its media.

    Args:
        reader: of the shards.
        decoding: how the media will be decoded.
        modality: all that the contents are made of.
    """

    def __init__(self, reader: ShardReader, decoding: Decoding, modality: Modality) -> None:
        self.reader = reader
        self.decoding = decoding
        self._read_as = _read_as(modality, decoding)

    def __len__(self) -> int:
        return len(self.reader)

    def __getitem__(self, index: int) -> LazyContent:  # type: ignore[override]  # no slices: they would make all at once
        if not 0 <= index < len(self):
            raise IndexError(index)
        key = fingerprint("shard", *self.reader.identity(index), self._read_as)
        return LazyContent(lambda: self.reader.read(index).query, self.decoding, self.reader.name(index), key)


@dataclass(frozen=True)
class FileContent:
    """A content whose media are files of a benchmark (a video may be a folder of frames), not read yet.

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
        return modality_of(self.text, (modality for modality, _ in self.media))

    def key(self, decoding: Decoding) -> int | None:
        """Returns a hash of the text and of each file's path and state (`Kind.state`); None of a text alone.

        Raises:
            OSError: if a file is not there.
        """
        if not self.media:
            return None
        files = []
        for kind, path in self.media:
            files.append(repr((_read_as(kind, decoding), str(path.absolute()), *kind_of(kind).state(path, decoding))))
        return fingerprint("files", self.instruction, self.text, *files)

    def read(self, decoding: Decoding) -> StoredContent:
        """Reads the media, as much of them as will be decoded. Raises OSError if one cannot be read."""
        media = tuple(StoredMedium(kind, *kind_of(kind).read(path, decoding)) for kind, path in self.media)
        return StoredContent(self.text, media, self.instruction)


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

    def __getitem__(self, index: int) -> LazyContent:  # type: ignore[override]  # no slices: they would make all at once
        if not 0 <= index < len(self):
            raise IndexError(index)
        content = self.contents[index]
        files = ", ".join(str(path) for _, path in content.media)
        name = f"{self.names[index]} ({files})" if files else self.names[index]
        key = _read(name, partial(content.key, self.decoding))
        return LazyContent(partial(_read, name, partial(content.read, self.decoding)), self.decoding, name, key)


def _read(name: str, action: Callable[[], T]) -> T:
    try:
        return action()
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror or error}") from error
