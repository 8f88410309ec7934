"""A raw row with its media within reach: nothing is opened before a step asks for it, and then once.

So a text filter never opens an image, a size filter reads a header, and only what a row needs to be stored is decoded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

from PIL import Image

from unite.config.schema.media import MediaPolicy
from unite.curation.raw import RawContent, RawRow
from unite.data.rows import Row, StoredContent, StoredMedium
from unite.media import kind_of
from unite.media.ready import LoadedMedium, RawMedium
from unite.types import Modality, modality_of

_NUM_REMEMBERED = 8


@dataclass(frozen=True)
class Looks:
    """What duplicates of a content are found and chosen by, beside its text.

    Attributes:
        thumbnails: 32 x 32, RGB, of all its images and frames, in order.
        pixels: of its original pictures together; a video counts as one of its frames.
        sharpness: the mean of its images and videos that draw a picture, see `unite.media.picture.sharpness`.
    """

    thumbnails: tuple[Image.Image, ...] = ()
    pixels: int = 0
    sharpness: float = 0.0


LoadMedium = Callable[[RawMedium], LoadedMedium]


def medium_loader(policy: MediaPolicy) -> LoadMedium:
    """Returns what loads media; it remembers the last few, since neighbouring rows often share one (five captions of a photograph)."""
    return lru_cache(maxsize=_NUM_REMEMBERED)(lambda raw: kind_of(raw.modality).load(raw, policy))


class LoadedContent:
    """A content of a row: its text, and its media within reach."""

    def __init__(self, raw: RawContent, load: LoadMedium) -> None:
        self.text, self.instruction, self.group = raw.text, raw.instruction, raw.group
        self.media = tuple(map(load, raw.media))

    @cached_property
    def modality(self) -> Modality:
        """As of `Content`."""
        return modality_of(self.text, (medium.modality for medium in self.media))

    def store(self) -> StoredContent:
        """Makes every medium ready."""
        media = tuple(StoredMedium(medium.modality, medium.ready.data, medium.ready.extension) for medium in self.media)
        return StoredContent(self.text, media, self.instruction, self.group)

    def looks(self) -> Looks:
        """Returns what its pictures look like."""
        seen = [medium for medium in self.media if medium.ready.thumbnails]
        return Looks(
            tuple(thumbnail for medium in seen for thumbnail in medium.ready.thumbnails),
            sum(width * height for width, height in (medium.size for medium in seen if medium.size)),
            sum(medium.ready.sharpness for medium in seen) / max(len(seen), 1),
        )


class LoadedRow:
    """What a row-wise step judges.

    Args:
        raw: the row.
        load: `medium_loader(policy)`.
    """

    def __init__(self, raw: RawRow, load: LoadMedium) -> None:
        self.raw = raw
        self.query = LoadedContent(raw.query, load)
        self.positives = tuple(LoadedContent(positive, load) for positive in raw.positives)
        self.negatives = tuple(LoadedContent(negative, load) for negative in raw.negatives)

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

    def store(self, key: str = "") -> Row:
        """Makes every medium ready and returns the row of the shard, under its own key or another."""
        positives = tuple(positive.store() for positive in self.positives)
        return Row(key or self.raw.key, self.query.store(), positives, tuple(negative.store() for negative in self.negatives))
