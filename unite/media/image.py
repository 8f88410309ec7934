"""Images: decoded by Pillow, and made ready once.

An image above the encoder's pixel cap is resized to the very size the encoder would give it (sides that are multiples of a patch) and
stored as JPEG; a smaller one keeps its bytes. What decoders read in different ways is stored as JPEG too: an orientation tag is obeyed,
CMYK and 16 bits become RGB, and of an animation the first picture is taken.
"""

from __future__ import annotations

import io
from functools import cached_property

import numpy as np
from PIL import Image, ImageOps

from unite.config.schema.media import Decoding, MediaPolicy
from unite.errors import DataError, SkippedRowError
from unite.media import picture
from unite.media.kind import Kind, Measure
from unite.media.picture import (
    aspect,
    check_decoded_size,
    check_source_size,
    encoder_size,
    grey,
    megapixels,
    on_white,
    open_picture,
    ramp,
    to_jpeg,
)
from unite.media.ready import LoadedMedium, RawMedium, ReadyMedium
from unite.types import Content, Medium, Modality, fingerprint

#: Formats an image may keep; others are stored as JPEG.
_KEPT = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}
#: Modes that every decoder reads alike.
_PLAIN_MODES = ("1", "L", "P", "RGB", "RGBA", "LA", "PA")
_ORIENTATION = 0x0112


class ImageKind(Kind):
    """Images. What is decoded follows from the bytes alone."""

    modality = Modality.IMAGE
    suffixes = ("jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff")
    measures = (
        Measure("megapixels", "Image size, as it came", "megapixels", megapixels),
        Measure("aspect", "Image width over height", "ratio", aspect),
    )

    def decode(self, data: bytes, decoding: Decoding) -> Medium:
        """As of `Kind`."""
        try:
            image = open_picture(data)
            check_decoded_size("an image", image.width, image.height, decoding)
            pixels = np.asarray(on_white(image))
        except picture.ERRORS as error:
            raise DataError(f"the image cannot be decoded ({error}); its first bytes are {data[:8]!r}.") from error
        return Medium(Modality.IMAGE, pixels[None], fingerprint(data))

    def encode(self, value: object) -> tuple[bytes, str] | None:
        """A Pillow image as PNG."""
        if not isinstance(value, Image.Image):
            return None
        file = io.BytesIO()
        value.save(file, "PNG")
        return file.getvalue(), "png"

    def load(self, raw: RawMedium, policy: MediaPolicy) -> LoadedMedium:
        """As of `Kind`."""
        return LoadedImage(raw, policy)

    def blank(self, medium: Medium) -> Medium:
        """All grey."""
        return picture.blank(medium)

    def preview(self, medium: Medium) -> bytes:
        """The image, at most 96 pixels a side."""
        return picture.strip(medium.frames)

    def probes(self) -> tuple[Content, ...]:
        """A large image alone, and a small one in a text."""
        large, small = Medium(Modality.IMAGE, ramp(), 1), Medium(Modality.IMAGE, ramp()[:, :28, :28], 2)
        return Content(media=(large,)), Content(f"Before {Modality.IMAGE.place} after", (small,), "Find it.")


class LoadedImage(LoadedMedium):
    """An image of a raw row."""

    @property
    def size(self) -> tuple[int, int]:
        """As of `LoadedMedium`."""
        return self._image.size

    @cached_property
    def ready(self) -> ReadyMedium:
        """As of `LoadedMedium`."""
        data, extension, image = self._stored()
        return ReadyMedium(data, extension, (image.width, image.height), (grey(image),))

    @cached_property
    def _image(self) -> Image.Image:
        """The image, of which only the header is read."""
        try:
            image = open_picture(self.data)
        except Image.DecompressionBombError as error:
            raise SkippedRowError("decompression bomb", f"{self.where}: {error}") from error
        except picture.ERRORS as error:
            raise SkippedRowError("broken image", f"{self.where}: {error}; it begins with {self.data[:12]!r}") from error
        check_source_size(image.width, image.height, self.where, self.policy)
        return image

    def _stored(self) -> tuple[bytes, str, Image.Image]:
        """Returns the bytes to store, their extension, and the RGB image they hold."""
        image, policy = self._image, self.policy
        try:
            image.load()
            turned = image.getexif().get(_ORIENTATION, 1) != 1
            upright = on_white(ImageOps.exif_transpose(image) if turned else image)
        except picture.ERRORS as error:
            raise SkippedRowError("broken image", f"{self.where}: {error}") from error
        size = fit(upright.width, upright.height, policy.max_pixels, policy.multiple)
        check_source_size(*size, self.where, policy)  # whole patches may be longer drawn
        is_plain = image.mode in _PLAIN_MODES and not turned and not getattr(image, "is_animated", False)
        if size == upright.size and is_plain and image.format in _KEPT:
            return self.data, _KEPT[image.format], upright
        if size != upright.size:
            upright = upright.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)
        try:
            return to_jpeg(upright, policy.jpeg_quality), "jpg", upright
        except OSError as error:  # a side above 65500
            detail = f"{self.where}: {upright.width} x {upright.height} cannot be stored as JPEG ({error})"
            raise SkippedRowError("broken image", detail) from error


def fit(width: int, height: int, max_pixels: int, multiple: int) -> tuple[int, int]:
    """Returns the size at which an image is stored: its own, or below the cap the one that the encoder would give it."""
    return (width, height) if width * height <= max_pixels else encoder_size(width, height, max_pixels, multiple)
