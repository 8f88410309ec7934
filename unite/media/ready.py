"""A medium on its way from a raw collection into a shard.

    RawMedium  ->  LoadedMedium, opened when it is asked for, and then once  ->  ReadyMedium, as it will be stored

Here stands what holds for every kind: that the file is there and not too large, and what is noted of it.
"""

from __future__ import annotations

import stat
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image

from unite.config.schema.media import MediaPolicy
from unite.errors import SkippedRowError
from unite.types import Modality


@dataclass(frozen=True)
class RawMedium:
    """A medium as the collection has it.

    Attributes:
        modality: `IMAGE` or `VIDEO`.
        path: where the file lies; empty when `data` carries the bytes.
        data: the encoded bytes, or None.
        start, end: the clip meant, in seconds of the video; None for its beginning and its end.
        name: what one without a path is called: its tar and member.
    """

    modality: Modality
    path: str = ""
    data: bytes | None = field(default=None, repr=False)
    start: float | None = None
    end: float | None = None
    name: str = ""


@dataclass(frozen=True)
class ReadyMedium:
    """A medium as it will be stored.

    Attributes:
        data: its bytes.
        extension: of the file, `jpg`.
        size: width and height of the image, or of each frame; None of what is no picture.
        thumbnails: the image, or each frame, in 32 x 32 (see `unite.media.picture.thumbnail`). Near duplicates and what is in an
            evaluation task are found by them: what is no picture draws one (a spectrogram, say), or is never found.
        contrast: of an image, see `unite.media.picture.contrast`; 0 of other media.
        sharpness: of the image or of the middle frame, see `unite.media.picture.sharpness`; 0 of what is no picture.
    """

    data: bytes
    extension: str
    size: tuple[int, int] | None = None
    thumbnails: tuple[Image.Image, ...] = ()
    contrast: float = 0.0
    sharpness: float = 0.0

    @property
    def greys(self) -> tuple[Image.Image, ...]:
        """The thumbnails without colour."""
        return tuple(thumbnail.convert("L") for thumbnail in self.thumbnails)


class LoadedMedium(ABC):
    """One medium of a raw row. Every property may raise SkippedRowError."""

    def __init__(self, raw: RawMedium, policy: MediaPolicy) -> None:
        self.raw, self.policy = raw, policy
        self.modality = raw.modality
        self.where = raw.path or raw.name or f"the {raw.modality} in the record"

    @cached_property
    def num_bytes(self) -> int:
        """Of the original."""
        if self.raw.data is not None:
            return _check_size(len(self.raw.data), self.where, self.policy)
        return _check_file(self.raw.path, self.policy)

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the original, as its header says; None of what is no picture."""
        return None

    @property
    def seconds(self) -> float:
        """How long it, or the clip meant, lasts; 0 for an image."""
        return 0.0

    @property
    @abstractmethod
    def ready(self) -> ReadyMedium:
        """Decodes it and makes it ready for the shard, once."""

    def facts(self) -> dict[str, Any]:
        """Returns what the record beside the shard and the datasheet keep of it; sizes of pictures alone."""
        facts = {
            "modality": str(self.modality),
            "from": self.raw.path or self.raw.name,
            "num_bytes": self.num_bytes,
            "size": self.size and list(self.size),
            "stored_bytes": len(self.ready.data),
            "stored_size": self.ready.size and list(self.ready.size),
        }
        return {name: fact for name, fact in facts.items() if fact is not None}

    @cached_property
    def data(self) -> bytes:
        """The bytes of the original."""
        size = self.num_bytes  # checked before anything is read
        if self.raw.data is not None:
            return self.raw.data
        try:
            with Path(self.raw.path).open("rb") as file:
                return file.read(size)
        except OSError as error:
            raise SkippedRowError("unreadable file", f"{self.raw.path}: {error.strerror}") from error


def _check_file(path: str, policy: MediaPolicy) -> int:
    """Returns the size of a medium's file in bytes. Raises SkippedRowError if there is none that can be read whole."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError) as error:
        raise SkippedRowError("missing file", path) from error
    if not stat.S_ISREG(status.st_mode):
        raise SkippedRowError("missing file", f"{path} is no regular file")
    return _check_size(status.st_size, path, policy)


def _check_size(num_bytes: int, where: str, policy: MediaPolicy) -> int:
    """Returns the number of bytes. Raises SkippedRowError if it is 0 or above the limit."""
    if num_bytes == 0:
        raise SkippedRowError("empty file", where)
    if num_bytes > policy.max_source_bytes:
        raise SkippedRowError("file too large", f"{where} has {num_bytes} bytes, more than {policy.max_source_bytes}")
    return num_bytes
