"""What images and the frames of a video share: opened within limits, made RGB, sized as the encoder would, shown small."""

from __future__ import annotations

import contextlib
import io
import math
import struct
import warnings
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageStat, UnidentifiedImageError

from unite.config.schema.media import Decoding, MediaPolicy
from unite.errors import DataError, SkippedRowError, must_be
from unite.types import Medium, fingerprint

#: Pictures made of pixels, and the suffixes of their files: Pillow would hand EPS to Ghostscript, which runs the program that it is.
FORMATS = {
    "JPEG": ("jpg", "jpeg", "jpe", "jfif"),
    "MPO": ("mpo",),
    "PNG": ("png", "apng"),
    "WEBP": ("webp",),
    "GIF": ("gif",),
    "BMP": ("bmp",),
    "DIB": ("dib",),
    "TIFF": ("tif", "tiff"),
    "PPM": ("ppm", "pgm", "pbm", "pnm", "pfm"),
    "JPEG2000": ("jp2", "j2k", "jpc", "jpf", "jpx", "j2c"),
    "AVIF": ("avif", "avifs"),
    "HEIF": ("heic", "heics", "heif", "heifs", "hif"),
    "ICO": ("ico",),
    "TGA": ("tga", "icb", "vda", "vst"),
}
#: What is said of a phone's picture that cannot be read for want of a decoder.
HEIC = "it is HEIC, which Pillow reads with the package pi-heif alone: pip install 'unite[heic]', or make it JPEG"
#: What is raised on broken pictures. Pillow reads headers in Python, and raises whatever it stumbles over.
ERRORS = (
    *(OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError, AssertionError),
    *(struct.error, Image.DecompressionBombError),
)
#: Longer side over shorter that Qwen2-VL's processor refuses from (`smart_resize` in transformers).
_MAX_ASPECT = 200
#: Below this contrast a picture shows next to nothing: one colour, or a scan of 10 or 12 bits stored as if it were of 16.
NEARLY_UNIFORM = 4.0
#: Pixels of the longer side in a preview: of one picture, and of one in a strip.
_SIDE, _STRIP_SIDE = 96, 64
_GREY = np.uint8(128)
#: Pixels of the longer side at which sharpness is measured.
_SHARP_SIDE = 256


def open_picture(data: bytes, formats: tuple[str, ...] | None = None) -> Image.Image:
    """Opens a picture of `FORMATS` or of some, reading its header only; raises one of `ERRORS` if it is none.

    How many pixels are too many is for the caller to judge, before anything decodes them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            return Image.open(io.BytesIO(data), formats=formats or _known_formats())
        except UnidentifiedImageError:  # its own message tells an address in memory, another one each run
            raise UnidentifiedImageError(HEIC if _is_heic(data) else "cannot identify image file") from None


@cache
def _known_formats() -> tuple[str, ...]:
    Image.init()
    with contextlib.suppress(ImportError):
        import pi_heif

        pi_heif.register_heif_opener()
    return tuple(name for name in FORMATS if name in Image.OPEN)  # AVIF is not in every build, HEIF in none


def _is_heic(data: bytes) -> bool:
    """Whether a phone's picture cannot be read here for want of a decoder (brands of ISO/IEC 23008-12)."""
    return data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"heim", b"heis", b"mif1") and "HEIF" not in Image.OPEN


def check_decoded_size(what: str, width: int, height: int, decoding: Decoding) -> None:
    """Raises DataError if a picture has more pixels than may be decoded."""
    if width * height > decoding.max_pixels:
        hint = "Raise decoding.max_pixels if it is meant."
        raise DataError(must_be(what, f"at most {decoding.max_pixels} pixels", f"{width} x {height}", hint))


def check_source_size(width: int, height: int, where: str, policy: MediaPolicy) -> None:
    """Raises SkippedRowError if a picture is larger than may be curated, or too long drawn for any encoder."""
    if max(width, height) > _MAX_ASPECT * min(width, height):
        raise SkippedRowError("image too long drawn", f"{where} is {width} x {height}, which no encoder takes")
    if width * height > policy.max_source_pixels:
        raise SkippedRowError("decompression bomb", f"{where} is {width} x {height}, more than {policy.max_source_pixels} pixels")


def encoder_size(width: int, height: int, max_pixels: int, multiple: int) -> tuple[int, int]:
    """Returns the size at which Qwen2-VL's processor encodes (`smart_resize` in transformers), so that it need not resize again."""
    wide, high = (max(multiple, round(side / multiple) * multiple) for side in (width, height))
    if wide * high <= max_pixels:
        return wide, high
    scale = math.sqrt(width * height / max_pixels)
    return max(multiple, math.floor(width / scale / multiple) * multiple), max(multiple, math.floor(height / scale / multiple) * multiple)


def to_jpeg(image: Image.Image, quality: int) -> bytes:
    """Encodes an RGB image; equal pixels give equal bytes."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, comment=None)  # the one thing that Pillow would take over from what the image was read from
    return out.getvalue()


def thumbnail(image: Image.Image) -> Image.Image:
    """Returns 32 x 32 of an RGB picture: all that codes of pictures and the motion measure look at."""
    return image.resize((32, 32), Image.Resampling.LANCZOS, reducing_gap=2.0)


def sharpness(image: Image.Image) -> float:
    """Returns the variance of the Laplacian of the greys (Pech-Pacheco et al., "Diatom autofocusing", ICPR 2000).

    It is taken of every picture at one size, 256 pixels the longer side, so that a copy that was made small and large again is less sharp.
    """
    scale = _SHARP_SIDE / max(image.size)
    width, height = (max(3, round(side * scale)) for side in image.size)
    grey = np.asarray(image.convert("L").resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0), np.float32)
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float((around - 4 * grey[1:-1, 1:-1]).var())


def contrast(image: Image.Image) -> float:
    """Returns the root-mean-square contrast (Peli 1990) of an RGB image: the standard deviation of the channel that varies most."""
    return max(ImageStat.Stat(image).stddev)


def megapixels(facts: Mapping[str, Any]) -> float:
    """Returns how large the original was, from the facts of a medium (`LoadedMedium.facts`)."""
    width, height = facts["size"]
    return float(width * height / 1e6)


def aspect(facts: Mapping[str, Any]) -> float:
    """Returns the width of the original over its height."""
    width, height = facts["size"]
    return float(width / height)


def ramp(every: int = 1) -> NDArray[np.uint8]:
    """Returns a frame (1, H, W, 3) of 1600 x 1200 pixels that all differ from their neighbours, or every so-manieth of its pixels."""
    whole = np.arange(1200 * 1600 * 3, dtype=np.uint32).reshape(1, 1200, 1600, 3).astype(np.uint8)
    return whole[:, ::every, ::every]


def blank(medium: Medium) -> Medium:
    """Returns a medium whose pixels are all of one grey, of the size and times they were."""
    frames = np.broadcast_to(_GREY, medium.frames.shape)  # takes no memory
    name = fingerprint("grey", repr(frames.shape), repr(medium.seconds), repr(medium.duration))
    return Medium(medium.modality, frames, name, medium.seconds, medium.duration)


def strip(pictures: Iterable[NDArray[np.uint8]]) -> bytes:
    """Returns pictures (H, W, 3) side by side as a JPEG: one of at most 96 pixels a side, several of at most 64."""
    frames = [Image.fromarray(picture) for picture in pictures]
    for frame in frames:
        frame.thumbnail((_SIDE, _SIDE) if len(frames) == 1 else (_STRIP_SIDE, _STRIP_SIDE))
    width, height = frames[0].size
    whole = Image.new("RGB", ((width + 2) * len(frames) - 2, height), "white")
    for place, frame in enumerate(frames):
        whole.paste(frame, ((width + 2) * place, 0))
    return to_jpeg(whole, 80)
