"""What is kept of a picture so that its copies are found: made smaller, saved again, blurred, grey, mirrored, and cropped by up to a tenth.

    32 x 32 thumbnail -> 16 x 16 lowest frequencies (DCT) of its luminance, 6 x 6 of each colour difference -> 330 bytes

A crop of a picture is a linear map of its frequencies, an axis at a time, and mirroring changes the sign of the odd ones across. So one
code stands for all crops of a picture, and two are compared by the cosine of their frequencies at the crop that fits best. The spectrum
of photographs falls with the frequency f, so each is multiplied by f: otherwise every bright sky over dark ground were alike.

A picture of nearly one colour has no frequencies that mean anything: it is told from others by its colour. So are pictures of one shape and
different colours; a grey picture is like the coloured one of its shape.

Shapes: M pictures; F = 16 frequencies an axis that are kept; n of them that are compared; V crops.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.floating[Any]]
#: (left, right) or (top, bottom): shares of a side that are cut off.
Cut = tuple[float, float]

SIDE = 32
NUM_FREQUENCIES = 16
#: Frequencies of the colour differences that are kept, and of a crop those that are compared.
NUM_COLOUR, COLOUR_COMPARED = 6, 4
_STRUCTURE, _COLOUR = NUM_FREQUENCIES**2, 2 * NUM_COLOUR**2
#: Bytes of a code: luminance's frequencies, those of Cb and Cr, luminance's mean, whether it is uniform.
CODE_SIZE = _STRUCTURE + _COLOUR + 2
#: Standard deviation of the luminance and of the colour differences, in levels, below which a thumbnail is of one colour.
_UNIFORM, _UNIFORM_COLOUR = 2.0, 4.0
#: Levels by which two uniform pictures of one colour may differ, in each of Y, Cb, Cr (a JPEG of quality 10 moves them by 3).
_SAME_COLOUR = 4.0
#: Colours agree if they differ by less than so many levels, or by this share of how colourful the picture is, in root mean square.
_COLOUR_LEVELS, _COLOUR_SHARE = 6.0, 0.4
#: Below this root mean square of Cb and Cr a picture is grey.
_GREY = 3.0


@dataclass(frozen=True)
class Codes:
    """Codes of M pictures, ready to be compared.

    Attributes:
        structure: (M, F, F) frequencies of the luminance, down and across, of any scale; 0 at the mean.
        colour: (M, 2, 4, 4) of Cb and Cr, in levels.
        mean: (M,) of the luminance, in levels.
        uniform: (M,) bool, of nearly one colour.
    """

    structure: Array
    colour: Array
    mean: Array
    uniform: NDArray[np.bool_]

    @classmethod
    def of(cls, codes: NDArray[np.int8]) -> Codes:
        """Reads (M, CODE_SIZE) bytes."""
        structure = codes[:, :_STRUCTURE].reshape(-1, NUM_FREQUENCIES, NUM_FREQUENCIES).astype(np.float32)
        colour = codes[:, _STRUCTURE:-2].reshape(-1, 2, NUM_COLOUR, NUM_COLOUR).astype(np.float32)
        weights = _weights(NUM_FREQUENCIES)
        structure /= np.where(weights > 0, weights, 1)
        return cls(structure, colour, codes[:, -2].astype(np.float32) + 128, is_uniform(codes))


def is_uniform(codes: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Returns (M,) which of some codes are of pictures of nearly one colour."""
    return codes[:, -1] > 0


def picture_code(thumbnail: Image.Image) -> NDArray[np.int8]:
    """Returns the code (CODE_SIZE,) of an RGB thumbnail of 32 x 32."""
    channels = np.asarray(thumbnail.convert("YCbCr"), np.float32).transpose(2, 0, 1)
    basis = _basis(NUM_FREQUENCIES)
    luminance: Array = basis.T @ channels[0] @ basis
    few = basis[:, :NUM_COLOUR]
    colour = few.T @ (channels[1:] - 128) @ few / SIDE
    mean, luminance[0, 0] = luminance[0, 0] / SIDE, 0
    shades = colour.copy()
    shades[:, 0, 0] = 0
    uniform = np.linalg.norm(luminance) / SIDE < _UNIFORM and np.linalg.norm(shades) < _UNIFORM_COLOUR
    structure = luminance * _weights(NUM_FREQUENCIES)
    structure *= 0 if uniform else 127 / max(np.abs(structure).max(), 1e-6)
    colour = colour - shades if uniform else colour
    return np.concatenate([structure.ravel(), colour.ravel(), [mean - 128, uniform]]).round().clip(-128, 127).astype(np.int8)


def compared(structure: Array, n: int) -> Array:
    """Returns frequencies (..., >= n, >= n) as unit vectors (..., n * n), those even across first. Their dot product is the similarity."""
    weighted = structure[..., :n, :n] * _weights(n)
    halves = [weighted[..., first::2].reshape(*structure.shape[:-2], -1) for first in (0, 1)]
    flat = np.concatenate(halves, axis=-1)
    norm = np.linalg.norm(flat, axis=-1, keepdims=True)
    flat /= np.where(norm > 0, norm, 1)
    return flat


def num_even(n: int) -> int:
    """Returns how many of `compared` are even across: their sign stays when the picture is mirrored."""
    return n * ((n + 1) // 2)


def crop(structure: Array, down: Array, across: Array) -> Array:
    """Returns the frequencies (..., A, B, n, n) of A x B crops of pictures (..., F, F).

    Args:
        structure: of whole pictures.
        down, across: (..., A, n, F) and (..., B, n, F) of `cut_axis`.
    """
    lines = down @ structure[..., None, :, :]  # (..., A, n, F)
    crops: Array = lines[..., :, None, :, :] @ across[..., None, :, :, :].swapaxes(-1, -2)
    return crops


@cache
def cut_axis(cut: Cut, n: int, num: int = NUM_FREQUENCIES) -> Array:
    """Returns (n, num): from a line's frequencies to the n lowest of what is left of it when shares of it are cut off at both ends."""
    left, right = cut
    places = (left + (1 - left - right) * (np.arange(SIDE) + 0.5) / SIDE) * SIDE
    operator: Array = _basis(n).T @ _cosines(places, num)
    return operator


def colours_agree(ones: Array, others: Array) -> NDArray[np.bool_]:
    """Says of colour frequencies (M, 2, 4, 4), of the same part of two pictures each, whether the colours are the same or one is grey."""
    sizes = np.stack([np.sqrt((colour**2).sum(axis=(1, 2, 3))) for colour in (ones, others)])
    difference = np.sqrt(((ones - others) ** 2).sum(axis=(1, 2, 3)))
    same = (difference < _COLOUR_LEVELS) | (difference < _COLOUR_SHARE * sizes.max(axis=0))
    return np.asarray(same | (sizes.min(axis=0) < _GREY))


def same_uniform(codes: Codes, ones: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Says of pairs of uniform pictures whether they are of one colour."""
    luminance = np.abs(codes.mean[ones] - codes.mean[others])
    colour = np.abs(codes.colour[ones, :, 0, 0] - codes.colour[others, :, 0, 0]).max(axis=1)
    return np.asarray(np.maximum(luminance, colour) <= _SAME_COLOUR)


@cache
def _weights(n: int) -> Array:
    frequency = np.arange(n, dtype=np.float32)
    weights: Array = np.hypot(frequency[:, None], frequency)
    return weights


@cache
def _basis(n: int) -> Array:
    """Returns (SIDE, n): the n lowest cosines of the orthonormal DCT-II."""
    return _cosines(np.arange(SIDE) + 0.5, n)


def _cosines(places: NDArray[np.floating], n: int) -> Array:
    scale = np.full(n, np.sqrt(2 / SIDE))
    scale[0] = np.sqrt(1 / SIDE)
    return (scale * np.cos(np.pi * np.outer(places, np.arange(n)) / SIDE)).astype(np.float32)
