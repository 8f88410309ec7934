"""Images: decoded by Pillow, and made ready once.

An image above the encoder's pixel cap is resized to the very size the encoder would give it (sides that are multiples of a patch) and
stored as JPEG; a smaller one keeps its bytes. What decoders read in different ways is stored as JPEG too, as a viewer shows it
(`unite.media.shown`): turned upright, in sRGB, of 8 bits, and of an animation the first picture.
"""

from __future__ import annotations

import io
from functools import cached_property
from operator import itemgetter
from typing import Any

import numpy as np
from PIL import Image

from unite.config.schema.media import Decoding, MediaPolicy
from unite.errors import DataError, SkippedRowError
from unite.media import picture
from unite.media.kind import Kind, Measure
from unite.media.picture import (
    aspect,
    check_decoded_size,
    check_source_size,
    contrast,
    encoder_size,
    megapixels,
    open_picture,
    ramp,
    sharpness,
    thumbnail,
    to_jpeg,
)
from unite.media.ready import LoadedMedium, RawMedium, ReadyMedium
from unite.media.shown import as_shown, is_plain, shown_size
from unite.types import Content, Medium, Modality, fingerprint

#: Formats an image may keep; others are stored as JPEG.
_KEPT = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}


class ImageKind(Kind):
    """Images. What is decoded follows from the bytes alone."""

    modality = Modality.IMAGE
    suffixes = tuple(suffix for suffixes in picture.FORMATS.values() for suffix in suffixes)
    measures = (
        Measure("megapixels", "Image size, as it came", "megapixels", megapixels),
        Measure("aspect", "Image width over height", "ratio", aspect),
        Measure("contrast", "Image contrast (standard deviation)", "of 255", itemgetter("contrast")),
    )

    def recognises(self, data: bytes) -> bool:
        """As of `Kind`; of an animated picture too."""
        try:
            open_picture(data)
        except picture.ERRORS as error:
            return str(error) == picture.HEIC
        return True

    def decode(self, data: bytes, decoding: Decoding) -> Medium:
        """As of `Kind`."""
        try:
            image = open_picture(data)
            check_decoded_size("an image", image.width, image.height, decoding)
            pixels = np.asarray(as_shown(image))
        except picture.ERRORS as error:
            raise DataError(f"the image cannot be decoded ({error}); its first bytes are {data[:8]!r}.") from error
        return Medium(Modality.IMAGE, pixels[None], fingerprint(data))

    def decoding_key(self, decoding: Decoding) -> str:
        """Which rule the pixels follow from beside the bytes: embeddings cached under an earlier one are made again."""
        return "as shown 2"

    def encode(self, value: object, decoding: Decoding, where: str) -> tuple[bytes, str] | None:
        """A Pillow image as PNG, as a viewer shows it."""
        if not isinstance(value, Image.Image):
            return None
        check_decoded_size(where, value.width, value.height, decoding)
        file = io.BytesIO()
        try:
            Image.fromarray(np.asarray(as_shown(value))).save(file, "PNG")  # its pixels alone: a profile must not be applied again
        except (*picture.ERRORS, SystemError) as error:  # SystemError: it has no pixels
            raise DataError(f"{where}, a Pillow image of mode {value.mode}, cannot be shown: {error}") from error
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
        """As of `LoadedMedium`: as shown, so a portrait that is stored sideways is high."""
        return shown_size(self._image)

    @property
    def ready(self) -> ReadyMedium:
        """As of `LoadedMedium`."""
        return self._made[0]

    def facts(self) -> dict[str, Any]:
        """As of `LoadedMedium`, with the contrast of what is stored."""
        return {**super().facts(), "size": list(self._made[1]), "contrast": round(self.ready.contrast, 2)}

    @cached_property
    def _made(self) -> tuple[ReadyMedium, tuple[int, int]]:
        """What is stored, and the size of the original as shown, which the pixels tell for certain."""
        data, extension, image, size = self._stored()
        return ReadyMedium(data, extension, image.size, (thumbnail(image),), contrast(image), sharpness(image)), size

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

    def _stored(self) -> tuple[bytes, str, Image.Image, tuple[int, int]]:
        """Returns the bytes to store, their extension, the RGB image they hold, and the size it had."""
        image, policy = self._image, self.policy
        try:
            upright = as_shown(image)
        except picture.ERRORS as error:
            raise SkippedRowError("broken image", f"{self.where}: {error}") from error
        original = upright.size
        size = fit(*original, policy.max_pixels, policy.multiple)
        check_source_size(*size, self.where, policy)  # whole patches may be longer drawn
        if size == original and image.format in _KEPT and is_plain(image):
            return self.data, _KEPT[image.format], upright, original
        if size != original:
            upright = upright.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)
        try:
            return to_jpeg(upright, policy.jpeg_quality), "jpg", upright, original
        except OSError as error:  # a side above 65500
            detail = f"{self.where}: {upright.width} x {upright.height} cannot be stored as JPEG ({error})"
            raise SkippedRowError("broken image", detail) from error


def fit(width: int, height: int, max_pixels: int, multiple: int) -> tuple[int, int]:
    """Returns the size at which an image is stored: its own, or below the cap the one that the encoder would give it."""
    return (width, height) if width * height <= max_pixels else encoder_size(width, height, max_pixels, multiple)
