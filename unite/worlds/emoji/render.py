"""Scenes to PNG, clips to MP4: 84 x 84 pixels, so that a cell is 28 pixels wide, one merged visual token of Qwen2-VL.

A clip's frames are PNG-coded inside the MP4: lossless, and a clip of this size decodes in a tenth of the time H.264 takes to start.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from functools import cache, lru_cache

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unite.data.rows import StoredMedium
from unite.types import Modality
from unite.worlds.emoji.atlas import Glyph, sprite
from unite.worlds.emoji.scenes import BACKGROUNDS, REVERSED, Clip, Scene

CELL = 28
SIZE = 3 * CELL
GLYPH = 26
NUM_FRAMES = 4
FRAMES_PER_SECOND = 2
#: A glyph's size when it begins to grow; when it begins to appear, it is not there.
_SMALLEST = 8


def draw_scene(scene: Scene) -> NDArray[np.uint8]:
    """Returns (84, 84, 3)."""
    canvas = _ground(scene.background)
    for cell, glyph in scene.placed:
        _paste(canvas, scene.background, glyph, *_corner(cell))
    return canvas


def draw_clip(clip: Clip, num_frames: int = NUM_FRAMES) -> NDArray[np.uint8]:
    """Returns (num_frames, 84, 84, 3). The frames of a reversed clip are the frames in reversed order."""
    if clip.motion in ("moves left", "moves up", "shrinks", "vanishes"):
        return draw_clip(clip.reversed(), num_frames)[::-1]
    around = _ground(clip.background)
    _paste(around, clip.background, clip.still, *_corner(clip.place))
    frames = []
    top, left = _corner(clip.home)
    for moment in range(num_frames):
        canvas = around.copy()
        along = round(moment * 2 * CELL / (num_frames - 1))
        match clip.motion:
            case "moves right":
                _paste(canvas, clip.background, clip.mover, top, along)
            case "moves down":
                _paste(canvas, clip.background, clip.mover, along, left)
            case "grows":
                size = _SMALLEST + round(moment * (GLYPH - _SMALLEST) / (num_frames - 1))
                _paste(canvas, clip.background, clip.mover, top, left, size=size)
            case "appears":
                _paste(canvas, clip.background, clip.mover, top, left, opacity=moment / (num_frames - 1))
            case _:
                raise ValueError(f"no drawing for the motion {clip.motion!r}, of {sorted(REVERSED)}")
        frames.append(canvas)
    return np.stack(frames)


@lru_cache(64)
def encode_scene(scene: Scene) -> StoredMedium:
    """Returns the scene as PNG. Kept for a while: two questions are asked about each picture."""
    file = io.BytesIO()
    Image.fromarray(draw_scene(scene)).save(file, "PNG", compress_level=4)
    return StoredMedium(Modality.IMAGE, file.getvalue(), "png")


def encode_clip(clip: Clip, num_frames: int = NUM_FRAMES) -> StoredMedium:
    """Returns the clip as MP4, of two seconds. Equal clips give equal bytes."""
    return encode_clips([clip], num_frames)


def encode_clips(clips: Sequence[Clip], num_frames: int = NUM_FRAMES) -> StoredMedium:
    """Returns clips of so many frames in two seconds each, one after the other, as one MP4."""
    file = io.BytesIO()
    rate = Fraction(FRAMES_PER_SECOND * num_frames, NUM_FRAMES)
    with av.open(file, "w", format="mp4", container_options={"fflags": "+bitexact"}) as container:
        stream = container.add_mux_stream("png", rate=rate, width=SIZE, height=SIZE, pix_fmt="rgb24")
        stream.time_base = beat = 1 / rate
        for number, frame in enumerate(frame for clip in clips for frame in draw_clip(clip, num_frames)):
            packet = av.Packet(_coded(frame.tobytes()))
            packet.stream, packet.time_base = stream, beat
            packet.pts = packet.dts = number
            packet.duration, packet.is_keyframe = 1, True
            container.mux(packet)
    return StoredMedium(Modality.VIDEO, file.getvalue(), "mp4")


@lru_cache(64)
def _coded(frame: bytes) -> bytes:
    """Returns a frame as PNG, unfiltered. Clips of a family share frames: one that is played backwards has all of the other's."""
    pixels = np.frombuffer(frame, dtype=np.uint8).reshape(SIZE, SIZE, 3)
    (packet,) = _encoder().encode(av.VideoFrame.from_ndarray(pixels, format="rgb24"))
    return bytes(packet)


@cache
def _encoder() -> av.VideoCodecContext:
    """Returns an encoder for all frames: to open one takes as long as to code a frame."""
    encoder: av.VideoCodecContext = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = SIZE, SIZE, "rgb24"
    encoder.time_base = Fraction(1, FRAMES_PER_SECOND)
    encoder.options = {"pred": "none"}
    encoder.thread_count = 1
    return encoder


def _ground(background: str) -> NDArray[np.uint8]:
    return np.full((SIZE, SIZE, 3), BACKGROUNDS[background], dtype=np.uint8)


def _corner(cell: int) -> tuple[int, int]:
    """Returns top and left of a cell."""
    return cell // 3 * CELL, cell % 3 * CELL


def _paste(canvas: NDArray[np.uint8], background: str, glyph: Glyph, top: int, left: int, size: int = GLYPH, opacity: float = 1.0) -> None:
    """Draws a glyph in the middle of the cell-sized square whose corner is given; nothing else is there but the background."""
    canvas[top : top + CELL, left : left + CELL] = _cell(background, glyph.index, size, opacity, glyph.drawings)


@cache
def _cell(background: str, glyph: int, size: int, opacity: float, drawings: str) -> NDArray[np.uint8]:
    """Returns (28, 28, 3): a glyph on plain ground. There are some thousands of them, and each is seen often."""
    cell = np.full((CELL, CELL, 3), BACKGROUNDS[background], dtype=np.float32)
    colour, alpha = sprite(glyph, size, drawings)
    margin = (CELL - size) // 2
    window = cell[margin : margin + size, margin : margin + size]
    window *= 1 - opacity * alpha
    window += opacity * colour
    return np.clip(np.rint(cell), 0, 255).astype(np.uint8)
