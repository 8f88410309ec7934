"""The frames of a video that training and evaluation look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from unite.config.schema.media import Decoding
from unite.errors import DataError, must_be
from unite.media import picture
from unite.media.picture import check_decoded_size, open_picture
from unite.media.shown import on_white
from unite.media.video.container import ERRORS, open_video
from unite.media.video.frames import pick


def decode_frames(data: bytes, decoding: Decoding) -> tuple[NDArray[np.uint8], tuple[float, ...], float]:
    """Returns the frames picked, (T, H, W, 3), when each is shown, (T,) seconds from the first, and the seconds that the video lasts.

    Raises:
        DataError: if the video is broken, ends early, or is larger than the limits.
    """
    try:
        with open_video(data) as (container, stream):
            check_decoded_size("a video frame", stream.codec_context.width, stream.codec_context.height, decoding)
            rate = float(stream.average_rate or stream.guessed_rate or 0) or 25.0
            num_frames = stream.frames or _count_frames(data, decoding)
            wanted = set(pick(num_frames, num_frames / rate, decoding).tolist()) if num_frames else set()
            # Clips made ready by curation are JPEGs in an MP4: only those picked are decoded, by libjpeg, thrice as fast as by FFmpeg.
            is_jpegs = stream.codec_context.name == "mjpeg" and "mp4" in container.format.name
            frames, seconds = [], []
            start, tick = 0.0, float(stream.time_base or 0)
            for number, (second, pixels) in enumerate((_jpegs if is_jpegs else _frames)(container, stream, decoding)):
                if number >= decoding.max_video_frames:
                    raise DataError(must_be("a video", f"at most {decoding.max_video_frames} frames long", "longer"))
                start = start if number else second or 0.0
                if number in wanted:
                    frames.append(pixels())
                    seconds.append(_moment(number / rate, second, start, tick))
                if len(frames) == len(wanted):
                    break
            picked = _stack(frames) if frames else None
    except ERRORS as error:
        raise DataError(f"the video cannot be decoded ({error}); its first bytes are {data[:12]!r}.") from error
    if picked is None:
        raise DataError(must_be("a video", "at least 1 frame long", "without frames"))
    if len(frames) < len(wanted):
        raise DataError(f"the video ends early: {num_frames} frames are announced, and frame {sorted(wanted)[len(frames)]} is missing.")
    return picked, tuple(seconds), num_frames / rate


def _moment(counted: float, told: float | None, start: float, tick: float) -> float:
    """Returns when a frame is shown, in seconds from the first, whose container tells `start`.

    At a constant rate that is as it is counted, number over rate: what is told is that rounded to the container's ticks, a whole
    millisecond in Matroska. At another rate it is as it is told.
    """
    return counted if told is None or abs(told - start - counted) <= tick else told - start


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
        image = open_picture(data, ("JPEG",))
        check_decoded_size("a video frame", image.width, image.height, decoding)
        image = on_white(image)
    except picture.ERRORS as error:
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
