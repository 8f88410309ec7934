"""Stored rows to contents: images by Pillow, video by PyAV, both within limits.

Nothing is replaced: what cannot be decoded raises a DataError that tells why, and the caller counts it.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unite.data.rows import Row, StoredContent, StoredMedium
from unite.errors import ConfigError, DataError, must_be
from unite.types import Content, Example, Medium, Modality, fingerprint

#: Containers that hold a video themselves: playlists and concatenations, which name other files to open, are not among them.
VIDEO_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,gif,mpegvideo,h264,hevc,m4v"
_SAFE = {"format_whitelist": VIDEO_FORMATS, "protocol_whitelist": "file"}


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


def _decode_image(data: bytes, decoding: Decoding) -> NDArray[np.uint8]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is ours, and an error
            image = Image.open(io.BytesIO(data))
            if image.width * image.height > decoding.max_pixels:
                is_ = f"{image.width} x {image.height}"
                raise DataError(
                    must_be("an image", f"at most {decoding.max_pixels} pixels", is_, "Raise decoding.max_pixels if it is meant.")
                )
            return np.asarray(_on_white(image))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"the image cannot be decoded ({error}); its first bytes are {data[:8]!r}.") from error


def _on_white(image: Image.Image) -> Image.Image:
    """Returns RGB; what is transparent shows white, not whatever colour lies hidden beneath."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        ground = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(ground, rgba).convert("RGB")
    return image.convert("RGB")


def _decode_video(data: bytes, decoding: Decoding) -> tuple[NDArray[np.uint8], tuple[float, ...]]:
    try:
        with av.open(io.BytesIO(data), mode="r", options=_SAFE) as container:
            if not container.streams.video:
                raise DataError(must_be("a video", "a file with a video stream", "one without"))
            stream = container.streams.video[0]
            if stream.codec_context.width * stream.codec_context.height > decoding.max_pixels:
                is_ = f"{stream.codec_context.width} x {stream.codec_context.height}"
                raise DataError(must_be("a video frame", f"at most {decoding.max_pixels} pixels", is_))
            stream.codec_context.thread_count = 1  # short clips; every worker has a core of its own
            rate = float(stream.average_rate or stream.guessed_rate or 0) or 25.0
            num_frames = stream.frames or _count_frames(data, decoding)
            wanted = set(decoding.pick(num_frames, num_frames / rate).tolist()) if num_frames else set()
            frames, seconds = [], []
            for at, frame in enumerate(container.decode(stream)):
                if at >= decoding.max_video_frames:
                    raise DataError(must_be("a video", f"at most {decoding.max_video_frames} frames long", "longer"))
                if at in wanted:
                    frames.append(frame.to_ndarray(format="rgb24"))
                    seconds.append(frame.time if frame.time is not None else at / rate)
                if len(frames) == len(wanted):
                    break
    except (av.FFmpegError, OSError, ValueError) as error:
        raise DataError(f"the video cannot be decoded ({error}); its first bytes are {data[:12]!r}.") from error
    if not frames:
        raise DataError(must_be("a video", "at least 1 frame long", "without frames"))
    if len(frames) < len(wanted):
        raise DataError(f"the video ends early: {num_frames} frames are announced, and frame {sorted(wanted)[len(frames)]} is missing.")
    start = seconds[0]
    return np.stack(frames), tuple(float(second - start) for second in seconds)


def _count_frames(data: bytes, decoding: Decoding) -> int:
    """Counts the packets of a container that does not announce its frames."""
    with av.open(io.BytesIO(data), mode="r", options=_SAFE) as container:
        count = 0
        for packet in container.demux(container.streams.video[0]):
            count += packet.size > 0
            if count > decoding.max_video_frames:
                raise DataError(must_be("a video", f"at most {decoding.max_video_frames} frames long", "longer"))
        return count
