"""A medium as browsers show it: as it is where they can, else decoded by the reader of everything and written anew.

Browsers play H.264, VP9 and AV1 in MP4, and VP8, VP9 and AV1 in WebM. H.264 in Matroska (MKV) is put into an MP4 as it is. Clips of curated
shards are JPEGs in an MP4, those of the emoji world PNGs: they become WebM of the frames that an encoder would see, each as long as it
stands for.
"""

from __future__ import annotations

import io
from fractions import Fraction
from hashlib import blake2b

import av
import numpy as np
from PIL import Image

from unite.config.schema.media import Decoding
from unite.media import kind_of
from unite.media.picture import ERRORS as PICTURE_ERRORS
from unite.media.picture import open_picture
from unite.media.video.container import ERRORS, UnusableVideoError, open_video
from unite.search.page.room import Room
from unite.search.server.limits import DECODE_SECONDS
from unite.types import Medium, Modality

#: Container, as FFmpeg names it -> its type and what browsers play in it. FFmpeg calls Matroska by the name of WebM too.
_PLAYED = {"mp4": ("video/mp4", {"h264", "vp9", "av1"}), "webm": ("video/webm", {"vp8", "vp9", "av1"})}
_PIXELS = {"yuv420p", "yuvj420p"}
_SOUND = {"aac", "mp3", "opus", "flac"}
_SHOWN = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}
#: How an unplayable video is looked at: denser than for embedding, and bounded.
_DECODING = Decoding(fps=4.0, min_frames=4, max_frames=120, deadline_seconds=DECODE_SECONDS)
#: Ticks a second, and the shortest side that looks right when a player makes it large.
_TICKS, _LEAST_SIDE = 1000, 252
#: What was made anew: 128 MB of it.
_made: Room[tuple[bytes, str]] = Room(128 << 20, lambda made: len(made[0]))


def playable(data: bytes, modality: Modality) -> tuple[bytes, str]:
    """Returns a medium's bytes and type as browsers show it.

    Args:
        data: the encoded medium.
        modality: `IMAGE` or `VIDEO`; an animated picture may be either.

    Raises:
        DataError: if it cannot be decoded.
    """
    if mime := _video_type(data) if modality is Modality.VIDEO else _picture_type(data):
        return data, mime
    name = f"{modality} {blake2b(data, digest_size=12).hexdigest()}"
    made = _made.find(name)  # a player asks for many parts of it
    if made is None:
        _made.put(name, made := _made_anew(data, modality))
    return made


def _made_anew(data: bytes, modality: Modality) -> tuple[bytes, str]:
    if modality is Modality.VIDEO and (moved := _in_mp4(data)):
        return moved, "video/mp4"
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
            names, codec = container.format.name.split(","), stream.codec_context
            played = (mime for name, (mime, codecs) in _PLAYED.items() if name in names and codec.name in codecs)
            return next(played, "") if codec.pix_fmt in _PIXELS else ""
    except (UnusableVideoError, *ERRORS):
        return ""


def _in_mp4(data: bytes) -> bytes:
    """Returns H.264 of a Matroska file, and sound that an MP4 may hold, as they are coded; nothing of another file."""
    file = io.BytesIO()
    try:
        with open_video(data) as (container, stream):
            codec = stream.codec_context
            if "matroska" not in container.format.name or codec.name != "h264" or codec.pix_fmt not in _PIXELS:
                return b""
            with av.open(file, "w", format="mp4") as out:
                sound = [one for one in container.streams.audio[:1] if one.codec_context.name in _SOUND]
                put = {one.index: out.add_stream_from_template(one) for one in (stream, *sound)}
                for packet in container.demux(stream, *sound):
                    if packet.size:  # the last of a stream is empty
                        packet.stream = put[packet.stream.index]
                        out.mux(packet)
    except (UnusableVideoError, *ERRORS):
        return b""
    return file.getvalue()


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
