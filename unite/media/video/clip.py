"""Video made ready: the frames that training picks, as JPEG, in an MP4 that any reader plays.

    original (h264, any rate)  ->  the frames taken, resized  ->  MP4, one Motion JPEG packet a frame, at the original's times

Each packet is a plain JPEG, so a reader reaches any frame in one seek and decodes it with libjpeg, and the ordinary decoder reads the
file unchanged. The rule that chose the frames (`unite.media.video.frames`), applied to the stored clip, takes all of them again.

Decoding is guarded: only container formats that hold their own data are opened (a playlist could name other files), and every loop has a
limit on frames and a deadline. Between two frames a decoder cannot be interrupted.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unite.config.schema.media import MediaPolicy
from unite.errors import SkippedRowError
from unite.media.picture import check_source_size, encoder_size, to_jpeg
from unite.media.video.container import ERRORS, UnusableVideoError
from unite.media.video.frames import Timeline
from unite.media.video.reader import Pictures, Taken, opened, take

#: Ticks a second of stored clips.
_TICKS = 90_000


class VideoReader:
    """Reads one video, or a clip of it, within the limits of a policy.

    Args:
        source: a path, or the encoded bytes.
        where: what to call it in a reason.
        start, end: the clip in seconds; None for the beginning and the end.
    """

    def __init__(self, source: str | bytes, where: str, policy: MediaPolicy, start: float | None = None, end: float | None = None) -> None:
        self.source, self.where, self.policy = source, where, policy
        self.start, self.end = start, end

    def look(self) -> tuple[Timeline, tuple[int, int]]:
        """Returns when the frames of the clip are shown, and their width and height as shown, before they are decoded.

        Raises:
            SkippedRowError: if it is broken, empty, above a limit, or takes too long.
        """
        with self._open() as pictures:
            clip = self._checked(pictures)
            return clip, pictures.size

    def frames(self) -> Taken[Image.Image]:
        """Decodes the frames that training picks: RGB images at the stored size.

        Raises:
            SkippedRowError: as `look` does.
        """
        with self._open() as pictures:
            self._checked(pictures)
            size = encoder_size(*pictures.size, self.policy.frame_pixels, self.policy.multiple)
            check_source_size(*size, self.where, self.policy)  # whole patches may be longer drawn

            def resized(pixels: NDArray[np.uint8]) -> Image.Image:
                image = Image.fromarray(pixels)
                return image if image.size == size else image.resize(size, Image.Resampling.BICUBIC)

            return take(pictures, self.policy, resized, self.start, self.end)

    def _checked(self, pictures: Pictures) -> Timeline:
        clip = pictures.timeline.clip(self.start, self.end)
        if clip.seconds > self.policy.max_seconds:
            raise SkippedRowError("video too long", f"{self.where} lasts {clip.seconds:.1f} s, more than {self.policy.max_seconds}")
        return clip

    @contextmanager
    def _open(self) -> Iterator[Pictures]:
        try:
            with opened(self.source, _Limits(self.where, self.policy)) as pictures:
                yield pictures
        except UnusableVideoError as error:
            raise SkippedRowError(error.reason, f"{self.where} {error.detail}") from error
        except ERRORS as error:
            raise SkippedRowError("broken video", f"{self.where}: {error}") from error


class _Limits:
    """As of `Guard`, with a deadline that begins now."""

    def __init__(self, where: str, policy: MediaPolicy) -> None:
        self._where, self._policy = where, policy
        self._until = time.monotonic() + policy.deadline_seconds

    def size(self, width: int, height: int) -> None:
        check_source_size(width, height, self._where, self._policy)

    def count(self, number: int) -> None:
        policy = self._policy
        if number >= policy.max_source_frames:
            raise SkippedRowError("video too long", f"{self._where} has more than {policy.max_source_frames} frames")
        if time.monotonic() > self._until:
            raise SkippedRowError("video too slow", f"{self._where} took more than {policy.deadline_seconds} s to read")


def store_frames(clip: Taken[Image.Image], quality: int) -> bytes:
    """Returns an MP4 of the frames taken, RGB images of one size, one JPEG a packet; the last is shown until the end of the clip."""
    out = io.BytesIO()
    times = np.round([second * _TICKS for second in clip.times]).astype(int).tolist()
    ends = [*times[1:], max(round(clip.seconds * _TICKS), times[-1] + 1)]
    with av.open(out, mode="w", format="mp4", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("mjpeg", rate=Fraction(len(times) * _TICKS, ends[-1]).limit_denominator(1000))
        stream.width, stream.height = clip.frames[0].size
        stream.pix_fmt = "yuvj420p"
        stream.time_base = Fraction(1, _TICKS)
        container.start_encoding()
        for image, start, end in zip(clip.frames, times, ends, strict=True):
            packet = av.Packet(to_jpeg(image, quality))
            packet.stream = stream
            packet.time_base = Fraction(1, _TICKS)
            packet.pts = packet.dts = start
            packet.duration = end - start
            packet.is_keyframe = True
            container.mux(packet)
    return out.getvalue()
