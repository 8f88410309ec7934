"""The frames of a video stream, decoded by PyAV: only those asked for, and what they are made of.

    packets  ->  when each frame is shown, and from which keyframe on it can be decoded       (read, not decoded)
             ->  the packets from that keyframe to the frame, and no others, to the decoder   (sought)

Packets are read one after the other, which takes a hundredth of decoding them, so nothing hangs on a container's seeking: on its index, on
where it begins or on how its times are rounded. In H.264 and MPEG-1, 2 and 4 frames that no other is made of are passed over, too.

Where the packets do not tell which frames come out of the decoder (no times, or times in the order of decoding; packets that give no frame;
damage), the stream is decoded from its beginning, and the frames that come out are those that there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from unite.media import picture
from unite.media.picture import open_picture
from unite.media.shown import on_white
from unite.media.video.container import ERRORS, Guard, UnusableVideoError
from unite.media.video.display import Display, matrix_of
from unite.media.video.frames import Timeline
from unite.media.video.packets import Packets

#: Codecs in which a frame that is marked as no reference is none for any other: HEVC's may be one within its temporal layer.
_WITH_TRUE_MARKS = ("h264", "mpeg1video", "mpeg2video", "mpeg4")


class MissingFrameError(Exception):
    """A frame did not come out of the decoder where the packets promised it."""


class Film:
    """Reads a video stream.

    Args:
        source: path or bytes.
        container, stream: of it, opened.
        guard: what bounds the reading.

    Attributes:
        timeline: when its frames are shown.
        num_decoded: frames that came out of the decoder so far.

    Raises:
        UnusableVideoError: if it has no frame.
        ERRORS: if it is broken from its beginning.
    """

    def __init__(self, source: bytes | str, container: InputContainer, stream: VideoStream, guard: Guard) -> None:
        self._guard = guard
        self._decoder = stream.codec_context
        self._aspect = stream.sample_aspect_ratio
        guard.size(self._decoder.width, self._decoder.height)
        # Clips made ready by curation are JPEGs in an MP4: only those picked are decoded, by libjpeg, thrice as fast as by FFmpeg.
        self._is_jpegs = self._decoder.name == "mjpeg" and "mp4" in container.format.name
        self._packets = Packets(source, container, stream, guard)
        self._is_sought = True
        self._fault: Exception | None = None
        self._displays: dict[tuple[bytes | None, int, int], Display] = {}
        self.num_decoded = 0
        self.timeline = self._packets.timeline
        if not self._packets.tell:
            self.look_through()

    @cached_property
    def size(self) -> tuple[int, int]:
        """Width and height as shown. Decodes a frame."""
        frame, display = self._first
        return display.size(frame.width, frame.height)

    def pixels(self, numbers: NDArray[np.int64]) -> Iterator[NDArray[np.uint8]]:
        """Yields (H, W, 3) of the frames asked for, by their numbers, ascending.

        Raises:
            MissingFrameError: if one is not there; see `look_through`.
        """
        if self._is_jpegs:
            yield from self._jpegs(numbers)
            return
        size = None
        for frame in self._sought(numbers) if self._is_sought else self._counted(numbers):
            pixels = self._display(frame).show(np.asarray(frame.to_ndarray(format="rgb24", threads=1), np.uint8))
            size = size or (pixels.shape[1], pixels.shape[0])
            if size != (pixels.shape[1], pixels.shape[0]):  # a stream may change its size
                pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
            yield pixels

    def look_through(self) -> bool:
        """Decodes it from its beginning, so that its frames are those that come out. Returns False if that was done before.

        Raises:
            UnusableVideoError: if none does.
        """
        if not self._is_sought:
            return False
        self._is_sought = False
        stamps: list[int | None] = []
        for frame in self._decoded():
            self._guard.count(len(stamps))
            stamps.append(frame.pts)
        announced, remark, rate = self._packets.num_shown, self.timeline.remark, self._packets.rate
        if not stamps:
            why = f" ({self._fault})" if self._fault else ""
            raise UnusableVideoError("no frames", f"has {announced} frames, of which none can be decoded{why}")
        if len(stamps) < announced and not remark:
            remark = f"is damaged: {len(stamps)} of {announced} frames can be decoded, and those are used"
        told = [stamp for stamp in stamps if stamp is not None]
        if len(told) < len(stamps) or any(later <= earlier for earlier, later in pairwise(told)):
            self.timeline = Timeline.of_stamps(range(len(stamps)), 1 / rate, rate, 1 / rate, remark)
        else:
            self.timeline = Timeline.of_stamps(told, self._packets.base, rate, 1 / rate, remark)
        return True

    def _decoded(self) -> Iterator[av.VideoFrame]:
        """Yields every frame that comes out, in the order in which they are shown."""
        self._decoder.flush_buffers()
        self._decoder.skip_frame = "DEFAULT"
        for number, packet in self._packets:
            if number >= self._packets.first:
                yield from self._decode(packet)
        yield from self._decode(None)

    def _counted(self, numbers: NDArray[np.int64]) -> Iterator[av.VideoFrame]:
        """Yields frames by the order in which they come out."""
        wanted = set(numbers.tolist())
        for number, frame in enumerate(self._decoded()):
            if number in wanted:
                yield frame
            if number == numbers[-1]:
                return
        raise MissingFrameError

    def _sought(self, numbers: NDArray[np.int64]) -> Iterator[av.VideoFrame]:
        """Yields frames, each decoded from the keyframe before it on."""
        wanted = iter([self._packets.frames[number].stamp for number in numbers])
        sought = next(wanted, None)
        for frame, is_first_run in self._of_spans(numbers):
            if sought is None:
                return
            if frame.pts is None or frame.pts > sought or (frame.pts == sought and frame.is_corrupt and not is_first_run):
                raise MissingFrameError
            if frame.pts == sought:
                yield frame
                sought = next(wanted, None)
        if sought is not None:
            raise MissingFrameError

    def _of_spans(self, numbers: NDArray[np.int64]) -> Iterator[tuple[av.VideoFrame, bool]]:
        """Yields every frame that comes out of the packets which some are made of, and whether its run begins where the stream does."""
        spans, targets = self._packets.spans(numbers), {self._packets.frames[number].packet for number in numbers}
        may_skip = self._decoder.name in _WITH_TRUE_MARKS
        start, stop = spans.pop(0)
        for number, packet in self._packets:
            if number < start:
                continue
            if number == start:
                self._decoder.flush_buffers()
            if may_skip:
                self._decoder.skip_frame = "DEFAULT" if number in targets else "NONREF"
            is_first_run = start == self._packets.first
            yield from ((frame, is_first_run) for frame in self._decode(packet))
            if number == stop:
                yield from ((frame, is_first_run) for frame in self._decode(None))
                if not spans:
                    return
                start, stop = spans.pop(0)

    def _decode(self, packet: Packet[VideoStream] | None) -> list[av.VideoFrame]:
        """Returns the frames that come out; a packet that the decoder refuses is passed over, as a player does."""
        try:
            frames = self._decoder.decode(packet)
        except ERRORS as error:
            self._fault = error
            return []
        self.num_decoded += len(frames)
        return frames

    @cached_property
    def _first(self) -> tuple[av.VideoFrame, Display]:
        """The first frame, and how it is shown."""
        frame = next(self._decoded(), None)
        if frame is None:
            self._is_sought = True
            self.look_through()  # which says what is wrong
            raise MissingFrameError
        return frame, self._display(frame)

    def _display(self, frame: av.VideoFrame) -> Display:
        like = (matrix_of(frame), frame.width, frame.height)
        if like not in self._displays:
            display = Display(self._aspect, like[0])
            self._guard.size(frame.width, frame.height)
            self._guard.size(*display.size(frame.width, frame.height))
            self._displays[like] = display
        return self._displays[like]

    def _jpegs(self, numbers: NDArray[np.int64]) -> Iterator[NDArray[np.uint8]]:
        """Yields the frames of a stream of JPEGs; one that is not asked for is not decoded."""
        wanted = {self._packets.frames[number].packet for number in numbers}
        display = self._first[1]
        for number, packet in self._packets:
            if number in wanted:
                yield display.show(self._jpeg(bytes(packet)))

    def _jpeg(self, data: bytes) -> NDArray[np.uint8]:
        """Returns (H, W, 3), a view of three planes: so Pillow unpacks them, and so patches are cut, without another turn."""
        try:
            image = open_picture(data, ("JPEG",))
            self._guard.size(image.width, image.height)
            image = on_white(image)
        except picture.ERRORS as error:
            raise ValueError(str(error)) from error
        planes = b"".join(image.tobytes("raw", plane) for plane in "RGB")
        return np.frombuffer(planes, np.uint8).reshape(3, image.height, image.width).transpose(1, 2, 0)
