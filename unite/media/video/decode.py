"""The frames of a video that training, evaluation and search look at."""

from __future__ import annotations

import math
import time

import numpy as np
from numpy.typing import NDArray

from unite.config.schema.media import Decoding
from unite.errors import DataError, must_be
from unite.media.picture import check_decoded_size
from unite.media.video.container import ERRORS, UnusableVideoError
from unite.media.video.reader import Taken, opened, take


def decode_frames(data: bytes, decoding: Decoding) -> tuple[NDArray[np.uint8], Taken[NDArray[np.uint8]]]:
    """Returns the frames taken, (T, H, W, 3), and when each is shown.

    Raises:
        DataError: if the video is broken, shows nothing, is larger than the limits, or ends before what is to be looked at.
    """
    try:
        with opened(data, _Limits(decoding)) as pictures:
            taken = take(pictures, decoding, lambda pixels: pixels, decoding.start_seconds, decoding.end_seconds)
    except UnusableVideoError as error:
        hint = " Lower start_seconds, or leave the video out." if error.reason == "clip past the end" else ""
        raise DataError(f"the video {error.detail}.{hint}") from error
    except ERRORS as error:
        raise DataError(f"the video cannot be decoded ({error}); its first bytes are {data[:12]!r}.") from error
    return _stack(taken.frames), taken


class _Limits:
    """As of `Guard`; a deadline begins now."""

    def __init__(self, decoding: Decoding) -> None:
        self._decoding = decoding
        self._until = math.inf if decoding.deadline_seconds is None else time.monotonic() + decoding.deadline_seconds

    def size(self, width: int, height: int) -> None:
        check_decoded_size("a video frame", width, height, self._decoding)

    def count(self, number: int) -> None:
        if number >= self._decoding.max_video_frames:
            raise DataError(must_be("a video", f"at most {self._decoding.max_video_frames} frames long", "longer"))
        if time.monotonic() > self._until:
            raise DataError(must_be("a video", f"decoded within {self._decoding.deadline_seconds:g} seconds", "slower"))


def _stack(frames: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Returns (T, H, W, 3), planes where the frames are planes."""
    if frames[0].flags.c_contiguous:
        return np.stack(frames)
    return np.stack([frame.transpose(2, 0, 1) for frame in frames]).transpose(0, 2, 3, 1)
