"""One image or video as people hand it over: told what it is at once, read when its turn comes."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unite.config.schema.media import Decoding
from unite.data.rows import StoredMedium
from unite.embedding.addresses import Address, address_of, data_of_uri, kind_of_uri, path_of_uri
from unite.embedding.fetch import Fetching, check_url, fetch
from unite.errors import DataError, must_be
from unite.media import KINDS, Kind, kind_of, kind_of_bytes, kind_of_file
from unite.media.arrays import frames_of, is_array, pictures
from unite.types import Modality

if TYPE_CHECKING:
    from torch import Tensor

Pixels: TypeAlias = "Image.Image | NDArray[np.uint8] | Tensor"
#: A file (a Path, a `file:` URI, or its name where a medium is asked for), a file's bytes, a data URI, a URL where they are fetched, a
#: Pillow image, which is seen as its file would be (turned by its EXIF tag, for one), or an array of pixels (`unite.media.arrays`); of a
#: video also the list of its frames.
MediumLike: TypeAlias = "Path | str | bytes | Pixels | Sequence[Pixels]"

_IMAGE, _VIDEO = kind_of(Modality.IMAGE), kind_of(Modality.VIDEO)
_EXPECTED = {
    None: "a Path, bytes, a Pillow image, an array or a list of frames",
    _IMAGE: "a Path, the name of a file, bytes, a Pillow image or an array",
    _VIDEO: "a Path, the name of a file, bytes, an array of 4 axes or a list of frames",
}


@dataclass(frozen=True)
class Reading:
    """How items are read.

    Attributes:
        instruction: what to retrieve for items that bring none of their own.
        decoding: which frames are taken of a video, and what is too large.
        has_places: whether `<|IMAGE|>` in a text is the place of a medium.
        allow_urls: whether URLs are fetched.
        fetching: what that may take.
    """

    instruction: str = ""
    decoding: Decoding = field(default_factory=Decoding)
    has_places: bool = False
    allow_urls: bool = False
    fetching: Fetching = field(default_factory=Fetching)


@dataclass(frozen=True)
class GivenMedium:
    """A medium that is not read yet.

    Attributes:
        kind: what it is; None if its bytes will tell.
        source: a Path, bytes, a data URI or a URL, a Pillow image, or the list of a video's frames as such.
        name: what to call it in an error.
    """

    kind: Kind | None
    source: Any
    name: str

    @classmethod
    def of(cls, medium: Any, kind: Kind | None, name: str, reading: Reading) -> GivenMedium:
        """Tells what a medium is; nothing is read.

        Args:
            medium: see `MediumLike`.
            kind: what it is meant to be; None if it tells.
            name: what to call it in an error.
            reading: whether URLs are fetched.

        Raises:
            DataError: if it is no medium, or not there.
        """
        if isinstance(medium, str):
            return cls._of_string(medium, kind, name, reading)
        if isinstance(medium, Path):
            return cls._of_file(medium, kind, name)
        if isinstance(medium, bytes | bytearray | memoryview):
            if not len(medium):
                raise DataError(must_be(name, "a file's bytes", "0 bytes"))
            return cls(kind, bytes(medium), name)
        if is_array(medium):
            return cls._of_array(medium, kind, name)
        if isinstance(medium, Image.Image) and kind is not _VIDEO:
            return cls(_IMAGE, medium, name)
        if is_frames(medium) and kind is not _IMAGE:
            return cls(_VIDEO, [_picture(frame, f"frame {place} of {name}") for place, frame in enumerate(medium)], name)
        raise DataError(must_be(name, _EXPECTED[kind], type(medium).__name__))

    @classmethod
    def _of_string(cls, medium: str, kind: Kind | None, name: str, reading: Reading) -> GivenMedium:
        address = address_of(medium)
        try:
            if address is Address.data:
                return cls(kind or kind_of_uri(medium), medium, name)
            if address is Address.url:
                check_url(medium)
                if not reading.allow_urls:
                    raise DataError(must_be(name, "of this machine", medium, "URLs are fetched with allow_urls=True."))
                return cls(kind, medium, name)
            path = path_of_uri(medium) if address is Address.file else Path(medium)
        except DataError as error:
            raise error if str(error).startswith(name) else DataError(f"{name}: {error}") from error
        return cls._of_file(path, kind, name)

    @classmethod
    def _of_file(cls, path: Path, kind: Kind | None, name: str) -> GivenMedium:
        try:
            mode = path.stat().st_mode
            if stat.S_ISDIR(mode) and kind in (None, _VIDEO) and not (fault := _VIDEO.fault(path)):
                return cls(_VIDEO, path, name)
        except (OSError, ValueError) as error:  # ValueError: a name with a null character
            raise DataError(f"{name} cannot be read: {error}") from error
        if not stat.S_ISREG(mode):
            found = "a device or a pipe" if not stat.S_ISDIR(mode) else "a folder" if kind is _IMAGE else fault
            raise DataError(must_be(name, "a file, or a folder of the frames of a video", f"{path}, {found}"))
        kind = kind or kind_of_file(path)
        if kind is None:
            hint = f"Say {' or '.join(f'{{{kind.word!r}: path}}' for kind in KINDS)}; a text is given as a string."
            raise DataError(must_be(name, f"a file whose suffix tells one of {', '.join(kind.word for kind in KINDS)}", str(path), hint))
        return cls(kind, path, name)

    @classmethod
    def _of_array(cls, array: Any, kind: Kind | None, name: str) -> GivenMedium:
        frames, num_axes = frames_of(array, name), len(array.shape)
        if num_axes == 2 and kind is None:
            raise DataError(must_be(name, "plainly an image", f"an array of shape {tuple(array.shape)}", "Of grey say {'image': array}."))
        told = _VIDEO if num_axes == 4 else _IMAGE
        if kind not in (None, told):
            raise DataError(must_be(name, f"an array of {4 if kind is _VIDEO else 3} axes", f"of shape {tuple(array.shape)}"))
        return cls(told, pictures(frames) if told is _VIDEO else pictures(frames)[0], name)

    def read(self, reading: Reading) -> StoredMedium:
        """Reads it. Raises DataError if it cannot be read or fetched, or its bytes are no medium."""
        if isinstance(self.source, Path):
            kind = self._told_by(b"")
            try:
                return StoredMedium(kind.modality, *kind.read(self.source, reading.decoding))
            except OSError as error:
                raise DataError(f"{self.name} cannot be read: {error}") from error
        if isinstance(self.source, str | bytes):
            data = self.source if isinstance(self.source, bytes) else self._data_of_string(self.source, reading)
            return StoredMedium(self._told_by(data).modality, data, "")
        kind = self._told_by(b"")
        encoded = kind.encode(self.source, reading.decoding, self.name)
        if encoded is None:
            raise DataError(must_be(self.name, _EXPECTED[kind], type(self.source).__name__))
        return StoredMedium(kind.modality, *encoded)

    def _data_of_string(self, source: str, reading: Reading) -> bytes:
        try:
            data = data_of_uri(source) if source[:5].lower() == "data:" else fetch(source, reading.fetching)
        except DataError as error:
            raise DataError(f"{self.name}: {error}") from error
        if not data:
            raise DataError(must_be(self.name, "a file's bytes", "0 bytes"))
        return data

    def _told_by(self, data: bytes) -> Kind:
        kind = self.kind or kind_of_bytes(data)
        if kind is None:
            words = " or ".join(f"{'an' if kind.word[0] in 'aeiou' else 'a'} {kind.word}" for kind in KINDS)
            raise DataError(must_be(self.name, f"the bytes of {words}", f"{len(data)} bytes that begin with {data[:12]!r}"))
        return kind


def is_frames(value: object) -> bool:
    """Whether a value is a list of pictures: the frames of a video."""
    return isinstance(value, list | tuple) and bool(value) and all(map(_is_picture, value))


def _is_picture(value: Any) -> bool:
    return isinstance(value, Image.Image) or (is_array(value) and len(value.shape) in (2, 3))


def _picture(frame: Any, name: str) -> Image.Image:
    return pictures(frames_of(frame, name))[0] if is_array(frame) else frame
