"""Pictures and clips that nobody filmed: a camera over the portrait that matplotlib carries (Grace Hopper, public domain), with grain."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
from matplotlib import get_data_path
from PIL import Image


def portrait() -> Image.Image:
    """Returns the portrait, RGB."""
    return Image.open(Path(get_data_path()) / "sample_data" / "grace_hopper.jpg").convert("RGB")


def noisy(image: Image.Image, chance: np.random.Generator) -> Image.Image:
    """Returns a picture with the grain of a sensor, which no coder finds easy."""
    pixels = np.asarray(image) + chance.normal(0, 2.5, (image.height, image.width, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def film(
    scale: int,
    size: tuple[int, int],
    num_frames: int,
    rate: int,
    options: dict[str, str],
    half: tuple[int, int],
    reach: tuple[int, int],
) -> bytes:
    """Makes an MP4 (H.264) of a camera that moves over the portrait and closes in, and ends where it began.

    Args:
        scale: the portrait is made 512 x 600 pixels times this.
        size: of a frame, (width, height).
        num_frames, rate: of the film.
        options: of x264.
        half: of what the camera sees, half the width: its mean and how far it goes from it.
        reach: how far the camera goes from the middle, (across, up and down).
    """
    width, height = 512 * scale, 600 * scale
    still, out = noisy(portrait().resize((width, height), 3), np.random.default_rng(0)), io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate, options={"threads": "1", **options})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for at in range(num_frames):
            turn = 2 * np.pi * at / num_frames
            wide = half[0] + half[1] * np.cos(turn)
            high = wide * (size[1] / size[0])
            x, y = width / 2 + reach[0] * np.sin(3 * turn), height / 2 + reach[1] * np.cos(2 * turn)
            image = still.resize(size, Image.Resampling.BILINEAR, box=(x - wide, y - high, x + wide, y + high))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")))
        container.mux(stream.encode())
    return out.getvalue()
