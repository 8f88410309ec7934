"""Frames to patches, in the order and layout of transformers' Qwen-VL processors, as uint8 and without arithmetic.

Shapes: T frames of H x W pixels, p the side of a patch, m patches a side that are merged into one token, t frames in a patch.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Grid = tuple[int, int, int]


def cut_patches(frames: NDArray[np.uint8], patch: int, merge: int, temporal: int) -> tuple[NDArray[np.uint8], Grid]:
    """Cuts frames into patches; the last frame is repeated until there are whole patches in time.

    Args:
        frames: (T, H, W, 3) uint8; H and W multiples of `patch * merge`.
        patch, merge, temporal: p, m and t.

    Returns:
        patches: (N, 3 * t * p * p) uint8; within a patch by channel, frame, row, column; patches that are merged follow one another.
        grid: patches in time, height and width; N is their product.
    """
    times, high, wide = -(-len(frames) // temporal), frames.shape[1] // patch, frames.shape[2] // patch
    # A row of a patch, p bytes of one channel, is moved as one thing: that is what makes it fast.
    row = np.dtype(f"V{patch}")
    planar = np.ascontiguousarray(frames.transpose(0, 3, 1, 2))
    rows = planar.view(row).reshape(len(frames), 3, high // merge, merge, patch, wide // merge, merge)
    patches = np.empty((times, high // merge, wide // merge, merge, merge, 3, temporal, patch), row)
    for moment in range(min(temporal, len(frames))):
        given = rows[moment::temporal]
        patches[: len(given), ..., moment, :] = given.transpose(0, 2, 5, 3, 6, 1, 4)
    whole_frames = patches.view(np.uint8).view(f"V{patch * patch}").reshape(patches.shape[:-1])
    for absent in range(len(frames), times * temporal):
        whole_frames[-1, ..., absent % temporal] = whole_frames[-1, ..., absent % temporal - 1]
    return patches.view(np.uint8).reshape(-1, 3 * temporal * patch * patch), (times, high, wide)
