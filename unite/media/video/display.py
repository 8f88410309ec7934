"""A decoded frame as a player shows it: of square pixels, and upright.

    sample aspect ratio  what is not square is made so by enlarging the shorter side of a pixel: 720 x 576 of 16:11 is shown as 1047 x 576
    display matrix       turned by quarters and mirrored as the container or the stream says (ISO/IEC 14496-12, 6.2.2)

Interlaced frames stay woven, both fields in one picture, as Chromium and ffplay show them.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image


def matrix_of(frame: av.VideoFrame) -> bytes | None:
    """Returns the display matrix that a decoded frame brings of its stream or container."""
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    return None if matrix is None else bytes(matrix)


class Display:
    """How the frames of a stream are shown.

    Args:
        sample_aspect_ratio: width over height of a pixel; None, or a number that is not above 0, where it is not known.
        matrix: the nine numbers of the display matrix; None for none.
    """

    def __init__(self, sample_aspect_ratio: Fraction | None, matrix: bytes | None) -> None:
        self._aspect = float(sample_aspect_ratio) if sample_aspect_ratio and sample_aspect_ratio > 0 else 1.0
        # x' = a x + c y and y' = b x + d y
        (a, b, _), (c, d, _), _ = np.frombuffer(matrix, np.int32).reshape(3, 3).tolist() if matrix else [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
        self._is_on_its_side = abs(b) + abs(c) > abs(a) + abs(d)
        x, y = (c, b) if self._is_on_its_side else (a, d)
        self._flips = tuple(axis for axis, scale in ((0, y), (1, x)) if scale < 0)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Returns width and height as shown of a frame as stored."""
        width, height = self._square(width, height)
        return (height, width) if self._is_on_its_side else (width, height)

    def show(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Returns (H', W', 3) as shown of (H, W, 3) as stored; the very same where nothing is to be done."""
        height, width = pixels.shape[:2]
        size = self._square(width, height)
        if size != (width, height):
            pixels = np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).resize(size, Image.Resampling.BICUBIC))
        if self._is_on_its_side:
            pixels = pixels.transpose(1, 0, 2)
        return np.ascontiguousarray(np.flip(pixels, self._flips)) if self._flips or self._is_on_its_side else pixels

    def _square(self, width: int, height: int) -> tuple[int, int]:
        if self._aspect >= 1:
            return max(1, round(width * self._aspect)), height
        return width, max(1, round(height / self._aspect))
