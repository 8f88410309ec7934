"""Video made ready: the frames that training picks, as JPEG, in an MP4 that any reader plays.

    original (h264, any rate)  ->  the picked frames, resized  ->  MP4, one Motion JPEG packet a frame, at the original's times

Each packet is a plain JPEG, so a reader reaches any frame in one seek and decodes it with libjpeg, and the ordinary decoder reads the
file unchanged. `pick` chose the frames, and its rule, applied to the stored clip, picks all of them again.

Decoding is guarded: only container formats that hold their own data are opened (a playlist could name other files), and every loop has a
limit on frames and a deadline. Between two frames a decoder cannot be interrupted.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from PIL import Image

from unite.config.schema.media import MediaPolicy
from unite.errors import SkippedRowError
from unite.media.picture import check_source_size, encoder_size, to_jpeg
from unite.media.video.container import ERRORS, open_video
from unite.media.video.frames import pick

#: Ticks a second of stored clips.
_TICKS = 90_000


@dataclass(frozen=True)
class VideoFacts:
    """What is known of a video, or of the clip meant, without decoding it."""

    width: int
    height: int
    seconds: float
    num_frames: int


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
        self._times, self._from, self.facts = self._scan()

    def frames(self) -> list[tuple[float, Image.Image]]:
        """Decodes the frames that training picks.

        Returns:
            (seconds from the start of the clip, RGB image at the stored size) of each.

        Raises:
            SkippedRowError: if it breaks off, or takes too long.
        """
        policy = self.policy
        picked = pick(len(self._times), self.facts.seconds, policy)
        wanted = [(self._times[number], self._from[number]) for number in picked]
        size = encoder_size(self.facts.width, self.facts.height, policy.frame_pixels, policy.multiple)
        check_source_size(*size, self.where, policy)  # whole patches may be longer drawn
        kept: list[tuple[float, Image.Image]] = []
        with self._open() as (container, stream):
            if wanted[0][0] > 1.0 and stream.time_base:
                container.seek(int(wanted[0][1] / stream.time_base), stream=stream)
            for count, frame in enumerate(container.decode(stream)):
                self._check(count)
                second, earliest = wanted[len(kept)]
                if frame.time is not None and float(frame.time) < earliest:
                    continue
                check_source_size(frame.width, frame.height, self.where, policy)
                image = frame.to_image()  # type: ignore[no-untyped-call]
                kept.append((second - self._times[0], image if image.size == size else image.resize(size, Image.Resampling.BICUBIC)))
                if len(kept) == len(wanted):
                    return kept
        raise SkippedRowError("video ends early", f"{self.where}: frame {len(kept) + 1} of {len(wanted)} is missing")

    def _scan(self) -> tuple[list[float], list[float], VideoFacts]:
        """Reads the packets without decoding: when each frame of the clip is shown, and from when on a frame is no earlier one."""
        times: list[float] = []
        with self._open() as (container, stream):
            rate = float(stream.average_rate or stream.guessed_rate or 25)
            base = float(stream.time_base or 1 / rate)
            for count, packet in enumerate(container.demux(stream)):
                self._check(count)
                if packet.size:
                    stamp = packet.pts if packet.pts is not None else packet.dts
                    times.append(stamp * base if stamp is not None else len(times) / rate)
            width, height = stream.codec_context.width, stream.codec_context.height
        first = min(times, default=0.0)
        start = first + (self.start or 0.0)
        end = first + self.end if self.end is not None else float("inf")
        times.sort()
        # Half way from the frame before: the gaps of a variable rate differ.
        halves = [first - 0.5 / rate, *((earlier + later) / 2 - 1e-6 for earlier, later in pairwise(times))]
        numbers = [number for number, second in enumerate(times) if start - 1e-6 <= second < end]
        inside = [times[number] for number in numbers]
        if not inside:
            whole = f"{len(times)} frames" if times else "no frame"
            clip = f" and none from {self.start} to {self.end} s" if times else ""
            raise SkippedRowError("no frames", f"{self.where} has {whole}{clip}")
        seconds = inside[-1] - inside[0] + 1 / rate
        if seconds > self.policy.max_seconds:
            raise SkippedRowError("video too long", f"{self.where} lasts {seconds:.1f} s, more than {self.policy.max_seconds}")
        return inside, [halves[number] for number in numbers], VideoFacts(width, height, seconds, len(inside))

    def _check(self, count: int) -> None:
        if count >= self.policy.max_source_frames:
            raise SkippedRowError("video too long", f"{self.where} has more than {self.policy.max_source_frames} frames")
        if time.monotonic() > self._until:
            raise SkippedRowError("video too slow", f"{self.where} took more than {self.policy.deadline_seconds} s to read")

    @contextmanager
    def _open(self) -> Iterator[tuple[InputContainer, VideoStream]]:
        self._until = time.monotonic() + self.policy.deadline_seconds
        try:
            with open_video(self.source) as (container, stream):
                check_source_size(stream.codec_context.width, stream.codec_context.height, self.where, self.policy)
                yield container, stream
        except ERRORS as error:
            raise SkippedRowError("broken video", f"{self.where}: {error}") from error


def store_frames(frames: list[tuple[float, Image.Image]], seconds: float, quality: int) -> bytes:
    """Returns an MP4 of the frames, one JPEG a packet.

    Args:
        frames: (seconds from the start, RGB image), all of one size, in order.
        seconds: of the original, which the last frame is shown until.
    """
    out = io.BytesIO()
    times = np.round([second * _TICKS for second, _ in frames]).astype(int).tolist()
    ends = [*times[1:], max(round(seconds * _TICKS), times[-1] + 1)]
    with av.open(out, mode="w", format="mp4", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("mjpeg", rate=Fraction(len(frames) * _TICKS, ends[-1]).limit_denominator(1000))
        stream.width, stream.height = frames[0][1].size
        stream.pix_fmt = "yuvj420p"
        stream.time_base = Fraction(1, _TICKS)
        container.start_encoding()
        for (_, image), start, end in zip(frames, times, ends, strict=True):
            packet = av.Packet(to_jpeg(image, quality))
            packet.stream = stream
            packet.time_base = Fraction(1, _TICKS)
            packet.pts = packet.dts = start
            packet.duration = end - start
            packet.is_keyframe = True
            container.mux(packet)
    return out.getvalue()
