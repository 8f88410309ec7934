"""Arrays of pixels as pictures: what programs hold that have decoded an image or a video themselves.

    numpy      (H, W, 3), as Pillow, imageio and PyAV make them; of a video (T, H, W, 3)
    torch      (3, H, W), as torchvision makes them; of a video (T, 3, H, W)

Where only the other end can be channels (1 grey, 3 RGB, 4 RGBA), it is. Values are of 8 bits: fractions have no range that is known.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unite.errors import DataError, must_be

_CHANNELS = (1, 3, 4)
_SHAPE = "of shape (height, width, channels) or (channels, height, width), a video's frames before it, with 1, 3 or 4 channels"


def is_array(value: object) -> bool:
    """Whether a value is an array of numpy or a tensor of torch, which is not imported for it."""
    return isinstance(value, np.ndarray) or (type(value).__module__.partition(".")[0] == "torch" and hasattr(value, "detach"))


def frames_of(array: Any, where: str) -> NDArray[np.uint8]:
    """Returns an image (two axes are grey, or three) or a video (four) as (T, H, W, C), seen anew and not copied; T = 1 for an image.

    Raises:
        DataError: if it holds no pixels; it is called `where`.
    """
    is_tensor = not isinstance(array, np.ndarray)
    values = _of_tensor(array, where) if is_tensor else array
    told = f"{values.dtype} of shape {values.shape}"
    if values.dtype != np.uint8:
        raise DataError(must_be(where, "of dtype uint8, from 0 to 255", told, _scaling(values)))
    if values.ndim not in (2, 3, 4) or not values.size:
        raise DataError(must_be(where, _SHAPE, told))
    frames = values[None, ..., None] if values.ndim == 2 else values[None] if values.ndim == 3 else values
    is_last, is_first = frames.shape[-1] in _CHANNELS, frames.shape[1] in _CHANNELS and values.ndim > 2
    if not (is_last or is_first):
        raise DataError(must_be(where, _SHAPE, told))
    return frames.transpose(0, 2, 3, 1) if is_first and (is_tensor or not is_last) else frames


def pictures(frames: NDArray[np.uint8]) -> list[Image.Image]:
    """Returns frames (T, H, W, C) as Pillow images: grey, RGB or RGBA by their channels."""
    return [Image.fromarray(np.ascontiguousarray(frame[..., 0] if frame.shape[-1] == 1 else frame)) for frame in frames]


def _of_tensor(tensor: Any, where: str) -> NDArray[Any]:
    try:
        values: NDArray[Any] = tensor.detach().cpu().numpy()
    except (TypeError, RuntimeError) as error:  # numpy has no such dtype (bfloat16), or the tensor is sparse or without data
        told = f"{tensor.dtype} of shape {tuple(tensor.shape)}"
        raise DataError(must_be(where, "a dense tensor of dtype uint8, from 0 to 255", told, f"It is not: {error}.")) from error
    return values


def _scaling(values: NDArray[Any]) -> str:
    if values.dtype.kind == "b":
        return "Of yes and no: array.astype('uint8') * 255."
    if values.dtype.kind in "iu":
        return "Scale its range to 0 to 255: (array / largest * 255).round().astype('uint8')."
    if values.dtype.kind != "f" or not values.size:
        return ""
    if not np.isfinite(values).all():
        return "It holds NaN or infinity, which no picture shows."
    if values.min() < 0 or values.max() > 255:
        return f"It is from {values.min():.3g} to {values.max():.3g}: undo what was done to the pixels."
    if values.max() > 1:
        return "Of values from 0 to 255: array.round().astype('uint8')."
    return "Of fractions from 0 to 1: (array * 255).round().astype('uint8')."
