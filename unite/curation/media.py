"""Media made ready once: read within limits, brought to the encoder's size, stored so that they decode fast.

An image above the encoder's pixel cap is resized to the very size the encoder would give it (sides that are multiples of a patch) and
stored as JPEG; a smaller one keeps its bytes. What decoders read in different ways is stored as JPEG too: an orientation tag is obeyed,
CMYK and 16 bits become RGB, and of an animation the first picture is taken. A video becomes the few frames that training picks, see
`unite.curation.video`. Everything that cannot be used raises SkippedRowError with a reason.
"""

from __future__ import annotations

import io
import math
import stat
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps

from unite.curation.raw import SkippedRowError
from unite.data import decode
from unite.errors import ConfigError, must_be

#: Formats an image may keep; others are stored as JPEG.
_KEPT = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}
#: Modes that every decoder reads alike.
_PLAIN_MODES = ("1", "L", "P", "RGB", "RGBA", "LA", "PA")
_ORIENTATION = 0x0112
#: Longer side over shorter that Qwen2-VL's processor refuses from (`smart_resize` in transformers).
_MAX_ASPECT = 200


@dataclass(frozen=True)
class MediaPolicy:
    """What media become, and how large they may be.

    The defaults are the paper's: images of at most 1280 tokens of 28x28 pixels, video at 1 frame a second, 4 to 12 frames of at most
    240x320.

    Attributes:
        max_pixels: an image above it is resized to it.
        frame_pixels: the frames of a video are resized to the encoder's size of at most as many, smaller ones too: they are stored anew
            anyway.
        multiple: sides of what is resized are multiples of it: the encoder's patch (14) times its merge (2).
        jpeg_quality: of what is stored anew, 1 to 95.
        fps, min_frames, max_frames: which frames of a video are kept, by the rule of `unite.data.decode.Decoding.pick`.
        max_source_pixels: an image or frame with more is refused before it is decoded (decompression bombs).
        max_source_bytes: a larger file is refused.
        max_seconds: a longer video or clip is refused.
        max_source_frames: a video is refused when it goes on past this many frames (endless streams).
        deadline_seconds: a video that takes longer to decode is refused.
    """

    max_pixels: int = 1280 * 28 * 28
    frame_pixels: int = 240 * 320
    multiple: int = 28
    jpeg_quality: int = 90
    fps: float = 1.0
    min_frames: int = 4
    max_frames: int = 12
    max_source_pixels: int = 128_000_000
    max_source_bytes: int = 1 << 31
    max_seconds: float = 3600.0
    max_source_frames: int = 250_000
    deadline_seconds: float = 120.0

    def __post_init__(self) -> None:
        if not 1 <= self.multiple <= 1024:
            raise ConfigError(must_be("media.multiple", "from 1 to 1024", self.multiple))
        smallest = self.multiple**2
        for name, least in (("max_pixels", smallest), ("frame_pixels", smallest), ("fps", 1e-6), ("deadline_seconds", 1e-6)):
            if getattr(self, name) < least:
                raise ConfigError(must_be(f"media.{name}", f"at least {least}", getattr(self, name)))
        if not 1 <= self.jpeg_quality <= 95:
            raise ConfigError(must_be("media.jpeg_quality", "from 1 to 95", self.jpeg_quality))
        if not 1 <= self.min_frames <= self.max_frames:
            raise ConfigError(must_be("media.min_frames", f"from 1 to max_frames ({self.max_frames})", self.min_frames))


def check_file(path: str, policy: MediaPolicy) -> int:
    """Returns the size of a medium's file in bytes. Raises SkippedRowError if there is none that can be read whole."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError) as error:
        raise SkippedRowError("missing file", path) from error
    if not stat.S_ISREG(status.st_mode):
        raise SkippedRowError("missing file", f"{path} is no regular file")
    return check_size(status.st_size, path, policy)


def check_size(num_bytes: int, where: str, policy: MediaPolicy) -> int:
    """Returns the number of bytes. Raises SkippedRowError if it is 0 or above the limit."""
    if num_bytes == 0:
        raise SkippedRowError("empty file", where)
    if num_bytes > policy.max_source_bytes:
        raise SkippedRowError("file too large", f"{where} has {num_bytes} bytes, more than {policy.max_source_bytes}")
    return num_bytes


def open_image(data: bytes, where: str, policy: MediaPolicy) -> Image.Image:
    """Returns an image of which only the header is read.

    Raises:
        SkippedRowError: if it is none, or would have more pixels than may be decoded.
    """
    try:
        image = decode.open_image(data)
    except Image.DecompressionBombError as error:
        raise SkippedRowError("decompression bomb", f"{where}: {error}") from error
    except decode.IMAGE_ERRORS as error:
        raise SkippedRowError("broken image", f"{where}: {error}; it begins with {data[:12]!r}") from error
    check_pixels(image.width, image.height, where, policy)
    return image


def check_pixels(width: int, height: int, where: str, policy: MediaPolicy) -> None:
    """Raises SkippedRowError if an image or frame is larger than may be decoded, or too long drawn for any encoder."""
    if max(width, height) > _MAX_ASPECT * min(width, height):
        raise SkippedRowError("image too long drawn", f"{where} is {width} x {height}, which no encoder takes")
    if width * height > policy.max_source_pixels:
        raise SkippedRowError("decompression bomb", f"{where} is {width} x {height}, more than {policy.max_source_pixels} pixels")


def ready_image(image: Image.Image, data: bytes, where: str, policy: MediaPolicy) -> tuple[bytes, str, Image.Image]:
    """Returns the bytes to store, their extension, and the RGB image they hold.

    Args:
        image: opened by `open_image` from `data`.
    """
    try:
        image.load()
        turned = image.getexif().get(_ORIENTATION, 1) != 1
        upright = decode.on_white(ImageOps.exif_transpose(image) if turned else image)
    except decode.IMAGE_ERRORS as error:
        raise SkippedRowError("broken image", f"{where}: {error}") from error
    size = fit(upright.width, upright.height, policy.max_pixels, policy.multiple)
    check_pixels(*size, where, policy)  # whole patches may be longer drawn
    is_plain = image.mode in _PLAIN_MODES and not turned and not getattr(image, "is_animated", False)
    if size == upright.size and is_plain and image.format in _KEPT:
        return data, _KEPT[image.format], upright
    if size != upright.size:
        upright = upright.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)
    try:
        return to_jpeg(upright, policy.jpeg_quality), "jpg", upright
    except OSError as error:  # a side above 65500
        raise SkippedRowError("broken image", f"{where}: {upright.width} x {upright.height} cannot be stored as JPEG ({error})") from error


def fit(width: int, height: int, max_pixels: int, multiple: int) -> tuple[int, int]:
    """Returns the size at which an image is stored: its own, or below the cap the one that the encoder would give it."""
    return (width, height) if width * height <= max_pixels else encoder_size(width, height, max_pixels, multiple)


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
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def thumbnail(image: Image.Image) -> Image.Image:
    """Returns 32 x 32 greys: all that perceptual hashes and the motion measure look at."""
    return image.convert("L").resize((32, 32), Image.Resampling.LANCZOS, reducing_gap=2.0)
