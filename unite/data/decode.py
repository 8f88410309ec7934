"""Stored rows to contents: images by Pillow, video by PyAV, both within limits.

Nothing is replaced: what cannot be decoded raises a DataError that tells why, and the caller counts it.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial

import av
import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from unite.data.rows import Row, StoredContent, StoredMedium
from unite.errors import ConfigError, DataError, must_be
from unite.types import Content, Example, Medium, Modality, fingerprint

#: Containers that hold a video themselves: playlists and concatenations, which name other files to open, are not among them.
VIDEO_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,gif,mpegvideo,h264,hevc,m4v"
#: Pictures made of pixels: Pillow would hand EPS to Ghostscript, which runs the program that it is.
IMAGE_FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "JPEG2000", "AVIF", "ICO", "TGA")
#: What is raised on broken media. Pillow reads headers in Python, and raises whatever it stumbles over.
IMAGE_ERRORS = (
    *(OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError),
    *(struct.error, Image.DecompressionBombError),
)
VIDEO_ERRORS = (av.FFmpegError, OSError, ValueError)


@dataclass(frozen=True)
class Decoding:
    """How media are decoded, and how large they may be.

    The defaults sample video as UNITE trains: 1 frame a second, 4 to 12 frames, evenly spread.

    Attributes:
        fps: frames picked per second of video.
        min_frames, max_frames: bounds on the number of frames picked; a shorter video gives all it has.
        max_pixels: an image or frame with more pixels is refused before it is decoded (decompression bombs).
        max_video_frames: a video is refused when it goes on past this many frames (endless streams).
    """

    fps: float = 1.0
    min_frames: int = 4
    max_frames: int = 12
    max_pixels: int = 64_000_000
    max_video_frames: int = 100_000

    def __post_init__(self) -> None:
        if self.fps <= 0:
            raise ConfigError(must_be("decoding.fps", "above 0", self.fps))
        if not 1 <= self.min_frames <= self.max_frames:
            raise ConfigError(must_be("decoding.min_frames", f"from 1 to max_frames ({self.max_frames})", self.min_frames))

    def pick(self, num_frames: int, seconds: float) -> NDArray[np.int64]:
        """Returns the indices of the frames to keep of a video of `num_frames` frames that lasts `seconds`.

        Evenly spread from the first frame to the last.
        """
        wanted = min(max(round(seconds * self.fps), self.min_frames), self.max_frames, num_frames)
        return np.linspace(0, num_frames - 1, wanted).round().astype(np.int64)


def decode_row(row: Row, key: str, source: str, decoding: Decoding) -> Example:
    """Decodes every medium of a row. Raises DataError, naming `key`, if one cannot be decoded or a content is empty."""
    try:
        return Example(
            key,
            source,
            decode_content(row.query, decoding),
            tuple(decode_content(stored, decoding) for stored in row.positives),
            tuple(decode_content(stored, decoding) for stored in row.negatives),
        )
    except DataError as error:
        raise DataError(f"sample {key}: {error}") from error


def decode_content(stored: StoredContent, decoding: Decoding) -> Content:
    """Decodes the media of a content.

    Raises:
        DataError: if a medium cannot be decoded, or the content holds neither text nor medium.
    """
    content = Content(stored.text, tuple(decode_medium(medium, decoding) for medium in stored.media), stored.instruction, stored.group)
    if not content.modality:
        raise DataError(must_be("a content", "a text, an image or a video", f"text {stored.text!r} without media"))
    return content


def decode_medium(stored: StoredMedium, decoding: Decoding) -> Medium:
    """Decodes one image or video. Raises DataError if it is broken, empty or larger than the limits."""
    if not stored.data:
        raise DataError(must_be(f"the {stored.modality}", f"a .{stored.extension} file with content", "0 bytes long"))
    if stored.modality is Modality.IMAGE:
        return Medium(Modality.IMAGE, _decode_image(stored.data, decoding)[None], fingerprint(stored.data))
    frames, seconds = _decode_video(stored.data, decoding)
    picked = f"{decoding.fps}/{decoding.min_frames}/{decoding.max_frames}"
    return Medium(Modality.VIDEO, frames, fingerprint(stored.data, picked), seconds)


def open_image(data: bytes, formats: tuple[str, ...] | None = None) -> Image.Image:
    """Opens an image of `IMAGE_FORMATS` or of some, reading its header only; raises one of `IMAGE_ERRORS` if it is none.

    How many pixels are too many is for the caller to judge, before anything decodes them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            return Image.open(io.BytesIO(data), formats=formats or _known_formats())
        except UnidentifiedImageError:  # its own message tells an address in memory, another one each run
            raise UnidentifiedImageError("cannot identify image file") from None


@cache
def _known_formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in IMAGE_FORMATS if name in Image.OPEN)  # AVIF is not in every build


def on_white(image: Image.Image) -> Image.Image:
    """Returns RGB; what is transparent shows white, not whatever colour lies hidden beneath.

    Greys of 16 bits are scaled, since Pillow would cut them off at 255. Raises ValueError on 32-bit pixels, which have no known range.
    """
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError(f"its pixels are numbers of 32 bits ({image.mode}) without a range")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


@contextmanager
def open_video(source: bytes | str) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Opens a video, bytes or path, within `VIDEO_FORMATS`; raises one of `VIDEO_ERRORS` if it is none.

    Decoding takes one core: every worker has one of its own.
    """
    file = io.BytesIO(source) if isinstance(source, bytes) else f"file:{source}"
    with av.open(file, mode="r", options={"format_whitelist": VIDEO_FORMATS, "protocol_whitelist": "file"}) as container:
        # The cover of a song is a video stream of one picture.
        stream = next((one for one in container.streams.video if not one.disposition & Disposition.attached_pic), None)
        if stream is None:
            raise ValueError("it has no video stream")
        if stream.codec_context is None:
            raise ValueError("the codec of its video is not known")
        stream.thread_type = "NONE"
        yield container, stream


def _decode_image(data: bytes, decoding: Decoding) -> NDArray[np.uint8]:
    try:
        image = open_image(data)
        _check_pixels("an image", image.width, image.height, decoding)
        return np.asarray(on_white(image))
    except IMAGE_ERRORS as error:
        raise DataError(f"the image cannot be decoded ({error}); its first bytes are {data[:8]!r}.") from error


def _check_pixels(what: str, width: int, height: int, decoding: Decoding) -> None:
    if width * height > decoding.max_pixels:
        hint = "Raise decoding.max_pixels if it is meant."
        raise DataError(must_be(what, f"at most {decoding.max_pixels} pixels", f"{width} x {height}", hint))


def _decode_video(data: bytes, decoding: Decoding) -> tuple[NDArray[np.uint8], tuple[float, ...]]:
    try:
        with open_video(data) as (container, stream):
            _check_pixels("a video frame", stream.codec_context.width, stream.codec_context.height, decoding)
            rate = float(stream.average_rate or stream.guessed_rate or 0) or 25.0
            num_frames = stream.frames or _count_frames(data, decoding)
            wanted = set(decoding.pick(num_frames, num_frames / rate).tolist()) if num_frames else set()
            # Clips made ready by curation are JPEGs in an MP4: only those picked are decoded, by libjpeg, thrice as fast as by FFmpeg.
            is_jpegs = stream.codec_context.name == "mjpeg" and "mp4" in container.format.name
            frames, seconds = [], []
            for at, (second, frame) in enumerate((_jpegs if is_jpegs else _frames)(container, stream, decoding)):
                if at >= decoding.max_video_frames:
                    raise DataError(must_be("a video", f"at most {decoding.max_video_frames} frames long", "longer"))
                if at in wanted:
                    frames.append(frame())
                    seconds.append(at / rate if second is None else second)
                if len(frames) == len(wanted):
                    break
            picked = _stack(frames) if frames else None
    except VIDEO_ERRORS as error:
        raise DataError(f"the video cannot be decoded ({error}); its first bytes are {data[:12]!r}.") from error
    if picked is None:
        raise DataError(must_be("a video", "at least 1 frame long", "without frames"))
    if len(frames) < len(wanted):
        raise DataError(f"the video ends early: {num_frames} frames are announced, and frame {sorted(wanted)[len(frames)]} is missing.")
    return picked, tuple(float(second - seconds[0]) for second in seconds)


_Timed = Iterator[tuple[float | None, Callable[[], NDArray[np.uint8]]]]


def _frames(container: InputContainer, stream: VideoStream, decoding: Decoding) -> _Timed:
    """Yields when each frame is shown, and what gives its pixels."""
    for frame in container.decode(stream):
        yield frame.time, partial(_pixels, frame)


def _pixels(frame: av.VideoFrame) -> NDArray[np.uint8]:
    return np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def _jpegs(container: InputContainer, stream: VideoStream, decoding: Decoding) -> _Timed:
    """The same of a stream of JPEGs; one that is not asked for is not decoded."""
    base = float(stream.time_base or 0)
    for packet in container.demux(stream):
        if packet.size:
            yield None if packet.pts is None else packet.pts * base, partial(_jpeg_pixels, bytes(packet), decoding)


def _jpeg_pixels(data: bytes, decoding: Decoding) -> NDArray[np.uint8]:
    """Returns (H, W, 3), a view of three planes: so Pillow unpacks them, and so patches are cut, without another turn."""
    try:
        image = open_image(data, ("JPEG",))
        _check_pixels("a video frame", image.width, image.height, decoding)
        image = on_white(image)
    except IMAGE_ERRORS as error:
        raise ValueError(str(error)) from error
    planes = b"".join(image.tobytes("raw", plane) for plane in "RGB")
    return np.frombuffer(planes, np.uint8).reshape(3, image.height, image.width).transpose(1, 2, 0)


def _stack(frames: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Returns (T, H, W, 3), planes where the frames are planes."""
    if frames[0].flags.c_contiguous:
        return np.stack(frames)
    return np.stack([frame.transpose(2, 0, 1) for frame in frames]).transpose(0, 2, 3, 1)


def _count_frames(data: bytes, decoding: Decoding) -> int:
    """Counts the packets of a container that does not announce its frames."""
    with open_video(data) as (container, stream):
        count = 0
        for packet in container.demux(stream):
            count += packet.size > 0
            if count > decoding.max_video_frames:
                raise DataError(must_be("a video", f"at most {decoding.max_video_frames} frames long", "longer"))
        return count
