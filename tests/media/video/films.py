"""Films drawn with known pictures at known times, in any container and codec."""

import io
from fractions import Fraction

import av
import numpy as np

from unite.media.video.container import open_video
from unite.media.video.reader import opened


def film(
    pictures,
    path=None,
    *,
    seconds=None,
    rate=25,
    codec="libx264",
    format="mp4",
    options=None,
    turn=None,
    pixel_aspect=None,
    pix_fmt="yuv420p",
    container_options=None,
    ticks=None,
):
    """Encodes pictures (N, H, W, 3), shown at `seconds` or at a rate, into memory or a file.

    `turn` is (degrees counter-clockwise, mirrored, upside down).
    """
    out = io.BytesIO()
    with av.open(str(path) if path else out, "w", format=format, container_options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options={"threads": "1", **(options or {})})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pix_fmt
        if ticks:
            stream.codec_context.time_base = Fraction(1, ticks)
        if pixel_aspect:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        if turn:
            stream.set_display_rotation(*turn)
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            if seconds is not None:
                frame.pts, frame.time_base = round(seconds[number] * ticks), Fraction(1, ticks)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path.read_bytes() if path else out.getvalue()


def greys(levels, width=64, height=48):
    """Pictures of one grey each."""
    return [np.full((height, width, 3), level, np.uint8) for level in levels]


def scenery(num_frames, width=96, height=64, shift=2):
    """A panorama that moves, so that a frame put together of wrong ones looks wrong."""
    wide = np.random.default_rng(0).integers(0, 256, (height // 8, width // 4, 3), np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    return [np.roll(wide, -shift * number, axis=1)[:, :width] for number in range(num_frames)]


def song():
    """Sound without a picture."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=16000)
        stream.layout = "mono"
        for at in range(10):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16000, at * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


def blotted(data, numbers):
    """An AVI of JPEGs of which some are zeros."""
    data = bytearray(data)
    places = [at for at in range(len(data)) if data[at : at + 3] == b"\xff\xd8\xff"]
    for place in (places[number] for number in numbers):
        size = int.from_bytes(data[place - 4 : place], "little")
        data[place : place + size] = bytes(size)
    return bytes(data)


def decoded_through(data):
    """(stamp, pixels) of every frame that comes out of the decoder, in order."""
    with open_video(data) as (container, stream):
        return [(frame.pts, frame.to_ndarray(format="rgb24")) for frame in container.decode(stream)]


class Unbounded:
    """A guard that lets everything through, and counts."""

    def __init__(self):
        self.steps = 0

    def size(self, width, height):
        pass

    def count(self, number):
        self.steps += 1


def shown(data):
    """Timeline, size and every frame of a video."""
    with opened(data, Unbounded()) as pictures:
        numbers = np.arange(len(pictures.timeline.times))
        return pictures.timeline, pictures.size, list(pictures.pixels(numbers))
