"""A raw row with its media within reach: nothing is opened before a step asks for it, and then once.

So a text filter never opens an image, a size filter reads a header, and only what a row needs to be stored is decoded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from PIL import Image

from unite.curation.media import MediaPolicy, check_file, check_size, open_image, ready_image, thumbnail
from unite.curation.raw import RawContent, RawMedium, RawRow, SkippedRowError
from unite.curation.video import VideoReader, store_frames
from unite.data.rows import Row, StoredContent, StoredMedium
from unite.types import Content, Modality

_NUM_REMEMBERED = 8


@dataclass(frozen=True)
class ReadyMedium:
    """A medium as it will be stored.

    Attributes:
        stored: its bytes.
        width, height: of the image, or of each frame.
        thumbnails: 32 x 32 greys of the image, or of each frame.
    """

    stored: StoredMedium
    width: int
    height: int
    thumbnails: tuple[Image.Image, ...]


class LoadedMedium:
    """One image or video of a row. Every property may raise SkippedRowError."""

    def __init__(self, raw: RawMedium, policy: MediaPolicy) -> None:
        self.modality = raw.modality
        self.where = raw.path or f"the {raw.modality} in the record"
        self._raw, self._policy = raw, policy

    @cached_property
    def num_bytes(self) -> int:
        """Of the original."""
        if self._raw.data is not None:
            return check_size(len(self._raw.data), self.where, self._policy)
        return check_file(self._raw.path, self._policy)

    @cached_property
    def size(self) -> tuple[int, int]:
        """Width and height of the original, as its header says."""
        if self.modality is Modality.IMAGE:
            return self._image.size
        return self._video.facts.width, self._video.facts.height

    @property
    def seconds(self) -> float:
        """How long a video or clip lasts; 0 for an image."""
        return 0.0 if self.modality is Modality.IMAGE else self._video.facts.seconds

    @cached_property
    def ready(self) -> ReadyMedium:
        """Decodes it and makes it ready for the shard."""
        if self.modality is Modality.IMAGE:
            data, extension, image = ready_image(self._image, self._data, self.where, self._policy)
            return ReadyMedium(StoredMedium(self.modality, data, extension), image.width, image.height, (thumbnail(image),))
        frames = self._video.frames()
        data = store_frames(frames, self._video.facts.seconds, self._policy.jpeg_quality)
        width, height = frames[0][1].size
        thumbnails = tuple(thumbnail(image) for _, image in frames)
        return ReadyMedium(StoredMedium(self.modality, data, "mp4"), width, height, thumbnails)

    def facts(self) -> dict[str, Any]:
        """Returns what the record beside the shard and the datasheet keep of it."""
        width, height = self.size
        facts = {
            "modality": str(self.modality),
            "from": self._raw.path,
            "num_bytes": self.num_bytes,
            "size": [width, height],
            "stored_bytes": len(self.ready.stored.data),
            "stored_size": [self.ready.width, self.ready.height],
        }
        if self.modality is Modality.VIDEO:
            clip = [self._raw.start, self._raw.end]
            facts |= {"seconds": round(self.seconds, 3), "clip": clip, "stored_frames": len(self.ready.thumbnails)}
        return facts

    @cached_property
    def _data(self) -> bytes:
        size = self.num_bytes  # checked before anything is read
        if self._raw.data is not None:
            return self._raw.data
        try:
            with Path(self._raw.path).open("rb") as file:
                return file.read(size)
        except OSError as error:
            raise SkippedRowError("unreadable file", f"{self._raw.path}: {error.strerror}") from error

    @cached_property
    def _image(self) -> Image.Image:
        return open_image(self._data, self.where, self._policy)

    @cached_property
    def _video(self) -> VideoReader:
        _ = self.num_bytes  # checked before it is opened
        source = self._raw.path if self._raw.data is None else self._raw.data
        return VideoReader(source, self.where, self._policy, self._raw.start, self._raw.end)


LoadMedium = Callable[[RawMedium], LoadedMedium]


def medium_loader(policy: MediaPolicy) -> LoadMedium:
    """Returns what loads media; it remembers the last few, since neighbouring rows often share one (five captions of a photograph)."""
    return lru_cache(maxsize=_NUM_REMEMBERED)(lambda raw: LoadedMedium(raw, policy))


class LoadedContent:
    """A content of a row: its text, and its media within reach."""

    def __init__(self, raw: RawContent, load: LoadMedium) -> None:
        self.text, self.instruction, self.group = raw.text, raw.instruction, raw.group
        self.media = tuple(map(load, raw.media))

    @cached_property
    def modality(self) -> Modality:
        """As of `Content`."""
        modality = Content(self.text).modality
        for medium in self.media:
            modality |= medium.modality
        return modality

    def store(self) -> StoredContent:
        """Makes every medium ready."""
        return StoredContent(self.text, tuple(medium.ready.stored for medium in self.media), self.instruction, self.group)


class LoadedRow:
    """What a row-wise step judges.

    Args:
        raw: the row.
        load: `medium_loader(policy)`.
    """

    def __init__(self, raw: RawRow, load: LoadMedium) -> None:
        self.raw = raw
        self.query = LoadedContent(raw.query, load)
        self.positives = tuple(LoadedContent(one, load) for one in raw.positives)
        self.negatives = tuple(LoadedContent(one, load) for one in raw.negatives)

    @property
    def contents(self) -> tuple[LoadedContent, ...]:
        """Query, positives and negatives."""
        return (self.query, *self.positives, *self.negatives)

    @property
    def media(self) -> tuple[LoadedMedium, ...]:
        """Of all contents."""
        return tuple(medium for content in self.contents for medium in content.media)

    @property
    def pair(self) -> str:
        """Its modality pair, `text-to-image`: the folder its shards go to."""
        return f"{self.query.modality}-to-{self.positives[0].modality}"

    def store(self) -> Row:
        """Makes every medium ready and returns the row of the shard."""
        positives = tuple(one.store() for one in self.positives)
        return Row(self.raw.key, self.query.store(), positives, tuple(one.store() for one in self.negatives))
