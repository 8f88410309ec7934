"""A video file opened within limits."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

#: Containers that hold a video themselves: playlists and concatenations, which name other files to open, are not among them.
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,gif,mpegvideo,h264,hevc,m4v"
#: What is raised on broken videos.
ERRORS = (av.FFmpegError, OSError, ValueError)


@contextmanager
def open_video(source: bytes | str) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Opens a video, bytes or path, within `FORMATS`; raises one of `ERRORS` if it is none.

    Decoding takes one core: every worker has one of its own.
    """
    file = io.BytesIO(source) if isinstance(source, bytes) else f"file:{source}"
    with av.open(file, mode="r", options={"format_whitelist": FORMATS, "protocol_whitelist": "file"}) as container:
        # The cover of a song is a video stream of one picture.
        stream = next((video for video in container.streams.video if not video.disposition & Disposition.attached_pic), None)
        if stream is None:
            raise ValueError("it has no video stream")
        if stream.codec_context is None:
            raise ValueError("the codec of its video is not known")
        stream.thread_type = "NONE"
        yield container, stream
