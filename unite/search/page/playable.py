"""A medium as browsers show it: as it is where they can, else decoded by the reader of everything and written anew.

Browsers play H.264, VP8, VP9 and AV1 in MP4 and WebM. Clips of curated shards are JPEGs in an MP4, those of the emoji world PNGs: they
become WebM of the frames that an encoder would see, each as long as it stands for.
"""

from __future__ import annotations

import io
from fractions import Fraction
from functools import lru_cache

import av
import numpy as np
from PIL import Image

from unite.config.schema.media import Decoding
from unite.media import kind_of
from unite.media.picture import ERRORS as PICTURE_ERRORS
from unite.media.picture import open_picture
from unite.media.video.container import ERRORS, UnusableVideoError, open_video
from unite.search.server.limits import DECODE_SECONDS
from unite.types import Medium, Modality

_CODECS = {"h264", "vp8", "vp9", "av1"}
_PLAYED = {"mp4": "video/mp4", "webm": "video/webm"}
_SHOWN = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}
#: How an unplayable video is looked at: denser than for embedding, and bounded.
_DECODING = Decoding(fps=4.0, min_frames=4, max_frames=120, deadline_seconds=DECODE_SECONDS)
#: Ticks a second, and the shortest side that looks right when a player makes it large.
_TICKS, _LEAST_SIDE = 1000, 252


@lru_cache(maxsize=32)
def playable(data: bytes, modality: Modality) -> tuple[bytes, str]:
    """Returns a medium's bytes and type as browsers show it.

    Args:
        data: the encoded medium.
        modality: `IMAGE` or `VIDEO`; an animated picture may be either.

    Raises:
        DataError: if it cannot be decoded.
    """
    mime = _video_type(data) if modality is Modality.VIDEO else _picture_type(data)
    if mime:
        return data, mime
    medium = kind_of(modality).decode(data, _DECODING)
    if modality is Modality.VIDEO:
        return _webm(medium), "video/webm"
    file = io.BytesIO()
    Image.fromarray(medium.frames[0]).save(file, "PNG")
    return file.getvalue(), "image/png"


def _picture_type(data: bytes) -> str:
    try:
        return _SHOWN.get(str(open_picture(data).format), "")
    except PICTURE_ERRORS:
        return ""  # decoding it says why


def _video_type(data: bytes) -> str:
    try:
        with open_video(data) as (container, stream):
            names = container.format.name.split(",")
            is_played = stream.codec_context.name in _CODECS and stream.codec_context.pix_fmt == "yuv420p"
            return next((mime for name, mime in _PLAYED.items() if name in names), "") if is_played else ""
    except (UnusableVideoError, *ERRORS):
        return ""


def _webm(medium: Medium) -> bytes:
    """Returns the frames as VP8, the last one shown as long as the others stand for."""
    gap = medium.frame_gap or 0.5
    times = [round(_TICKS * second) for second in (*medium.seconds, medium.seconds[-1] + gap)]
    height, width = medium.frames.shape[1:3]
    zoom = max(1, round(_LEAST_SIDE / min(width, height)))
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as container:
        stream = container.add_stream("libvpx", rate=24, options={"deadline": "realtime", "cpu-used": "8", "crf": "8", "b:v": "2M"})
        stream.width, stream.height = (side * zoom + side * zoom % 2 for side in (width, height))
        stream.pix_fmt, stream.time_base = "yuv420p", Fraction(1, _TICKS)
        stream.codec_context.time_base = Fraction(1, _TICKS)
        for place, time in enumerate(times):
            pixels = medium.frames[min(place, len(medium.frames) - 1)]
            picture = Image.fromarray(pixels).resize((stream.width, stream.height), Image.Resampling.BICUBIC)
            frame = av.VideoFrame.from_ndarray(np.asarray(picture), "rgb24")
            frame.pts, frame.time_base = time - times[0], Fraction(1, _TICKS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()
