"""A video file opened within limits."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

#: Containers that hold a video themselves: playlists and concatenations, which name other files to open, are not among them.
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,gif,mpegvideo,h264,hevc,m4v"
#: What is raised on broken videos.
ERRORS = (av.FFmpegError, OSError, ValueError)


class UnusableVideoError(Exception):
    """A video that can be read shows nothing that can be used.

    Attributes:
        reason: a few fixed words, the same for every video with this fault.
        detail: what is wrong with this one, in words that follow its name.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class Guard(Protocol):
    """What bounds the reading of a video. Both raise what the reader's user takes for an error."""

    def size(self, width: int, height: int) -> None:
        """Is asked before pictures of so many pixels are decoded or made."""
        ...

    def count(self, number: int) -> None:
        """Is asked at every step of every loop, with the number of frames before it."""
        ...


@contextmanager
def open_video(source: bytes | str) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Opens a video, bytes or path, within `FORMATS`.

    Decoding takes one core: every worker has one of its own.

    Raises:
        UnusableVideoError: if it holds sound alone.
        ERRORS: if it is no video.
    """
    file = io.BytesIO(source) if isinstance(source, bytes) else f"file:{source}"
    with av.open(file, mode="r", options={"format_whitelist": FORMATS, "protocol_whitelist": "file"}) as container:
        # The cover of a song is a video stream of one picture.
        stream = next((video for video in container.streams.video if not video.disposition & Disposition.attached_pic), None)
        if stream is None and container.streams.audio:
            codec = container.streams.audio[0].codec_context
            raise UnusableVideoError("sound alone", f"holds sound alone ({codec.name if codec else 'of an unknown kind'}) and no picture")
        if stream is None:
            raise ValueError("it has no video stream")
        if stream.codec_context is None:
            raise ValueError("the codec of its video is not known")
        stream.thread_type = "NONE"
        yield container, stream


def announced_end(container: InputContainer, stream: VideoStream) -> float | None:
    """Returns the second at which the stream is announced to end, counted as its times are; None where the container does not tell.

    An edit list counts: MP4 may announce 50 frames of which it shows 30.
    """
    if "matroska" in container.format.name:
        if tag := stream.metadata.get("DURATION"):
            with contextlib.suppress(ValueError):
                hours, minutes, seconds = tag.split(":")
                return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
        return container.duration / av.time_base if container.duration and len(container.streams) == 1 else None
    if stream.duration is None or stream.time_base is None or not {"mp4", "avi"} & set(container.format.name.split(",")):
        return None
    return ((stream.start_time or 0) + stream.duration) * float(stream.time_base)
