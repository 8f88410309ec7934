"""The packets of a video stream: what they tell of its frames without decoding."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from unite.media.video.container import ERRORS, Guard, UnusableVideoError, announced_end, open_video
from unite.media.video.frames import Timeline

#: Bytes of packets that are kept, so that a short video is read once.
MOST_KEPT = 32 << 20
#: Frames a second where the container tells nothing.
_USUAL_RATE = 25.0


class Shown(NamedTuple):
    """A frame, as its packet announces it.

    Attributes:
        stamp: ticks at which it is shown; None where that is not told.
        packet: the number of its packet.
        ticks: how long it is shown; 0 where that is not told.
    """

    stamp: int | None
    packet: int
    ticks: int


class Packets:
    """The packets of a stream, in the order of decoding.

    Args:
        source: path or bytes, opened once more where they are too many to be kept.
        container, stream: of it, opened; they are read to their end.
        guard: what bounds the reading.

    Attributes:
        first: the number of the first keyframe, for which a player waits.
        num_shown: frames announced from there on.
        tell: whether they tell which frames come out of the decoder, and when they are shown.
        frames: all that are shown, in that order, with different stamps.
        timeline: when; where the packets do not tell, of no use.

    Raises:
        UnusableVideoError: if there is no frame.
        ERRORS: if it is broken from its beginning.
    """

    def __init__(self, source: bytes | str, container: InputContainer, stream: VideoStream, guard: Guard) -> None:
        self._source, self._guard = source, guard
        self.rate = float(stream.average_rate or stream.guessed_rate or 0) or _USUAL_RATE
        self.base = float(stream.time_base or 1 / self.rate)
        self._kept: list[Packet[VideoStream]] | None = []
        self._keys: list[Shown] = []
        self._is_monotonic = True
        shown, fault = self._scan(container, stream)
        self.first = self._keys[0].packet if self._keys else 0
        shown = [frame for frame in shown if frame.packet >= self.first]
        if not shown:
            raise UnusableVideoError("no frames", "has no frame")
        self.num_shown = len(shown)
        by_stamp = {frame.stamp: frame for frame in reversed(shown) if frame.stamp is not None}
        self.frames = [by_stamp[stamp] for stamp in sorted(by_stamp)]
        # AVI tells no times, and FFmpeg counts its packets as they come: in the order of decoding.
        is_reordered = "avi" in container.format.name and stream.codec_context.has_b_frames
        is_told = all(frame.stamp is not None for frame in shown) and self._is_monotonic
        self.tell = is_told and not (is_reordered and all(one.packet < next_one.packet for one, next_one in pairwise(self.frames)))
        self.timeline = self._timeline(container, stream, fault)

    def __iter__(self) -> Iterator[tuple[int, Packet[VideoStream]]]:
        """Yields number and packet of all, as far as they can be read."""
        if self._kept is not None:
            for number, packet in enumerate(self._kept):
                self._guard.count(number)
                yield number, packet
            return
        with open_video(self._source) as (container, stream):
            packets = _of_stream(container, stream)
            number = 0
            while (read := _next(packets)) is not None:
                self._guard.count(number)
                yield number, read
                number += 1

    def spans(self, numbers: NDArray[np.int64]) -> list[tuple[int, int]]:
        """Returns the packets that some of the frames are made of, (first, last) of each run.

        Each run begins with a keyframe that is shown no later than the frame: one that leads an open group of pictures is made of the group
        before, too.
        """
        places = np.array([key.packet for key in self._keys] or [self.first])
        runs = []
        for frame in (self.frames[number] for number in numbers):
            place = int(np.searchsorted(places, frame.packet, "right")) - 1
            while place > 0 and (self._keys[place].stamp or 0) > (frame.stamp or 0):
                place -= 1
            runs.append((int(places[place]), frame.packet))
        spans: list[tuple[int, int]] = []
        for start, stop in sorted(runs):
            if spans and start <= spans[-1][1] + 1:
                spans[-1] = spans[-1][0], max(stop, spans[-1][1])
            else:
                spans.append((start, stop))
        return spans

    def _scan(self, container: InputContainer, stream: VideoStream) -> tuple[list[Shown], Exception | None]:
        """Returns the frames shown as their packets come, and why they end before the file does."""
        shown: list[Shown] = []
        number = num_bytes = 0
        before = None
        try:
            for packet in _of_stream(container, stream):
                self._guard.count(number)
                num_bytes += packet.size
                if self._kept is not None and num_bytes <= MOST_KEPT:
                    self._kept.append(packet)
                else:
                    self._kept = None
                frame = Shown(packet.pts, number, packet.duration or 0)
                if packet.is_keyframe:
                    self._keys.append(frame)
                if not packet.is_discard:  # by the edit list: others may be made of it
                    shown.append(frame)
                if packet.dts is not None:
                    self._is_monotonic &= before is None or packet.dts >= before
                    before = packet.dts
                number += 1
        except ERRORS as error:
            if not shown:
                raise
            return shown, error
        return shown, None

    def _timeline(self, container: InputContainer, stream: VideoStream, fault: Exception | None) -> Timeline:
        stamps = [frame.stamp or 0 for frame in self.frames] or [0]
        last = self.frames[-1].ticks * self.base if self.frames else 0.0
        announced, end = announced_end(container, stream), stamps[-1] * self.base + (last or 1 / self.rate)
        missing = announced - end if announced is not None and self.frames else 0.0
        remark = f"ends early, where it cannot be read any more ({fault}); what there is is used" if fault else ""
        if missing > max(2.5 / self.rate, 0.1):
            remark = f"ends early, {missing:.2f} s before the {announced:.2f} s that it announces; what there is is used"
        return Timeline.of_stamps(stamps, self.base, self.rate, last, remark)


def _of_stream(container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
    return (packet for packet in container.demux(stream) if packet.size)


def _next(packets: Iterator[Packet[VideoStream]]) -> Packet[VideoStream] | None:
    """Returns the next packet; None at the end, also where the file cannot be read any more: what is wanted of the rest is missed then."""
    try:
        return next(packets, None)
    except ERRORS:
        return None
