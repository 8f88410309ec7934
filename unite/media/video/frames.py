"""Which frames are taken of a video."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unite.config.schema.media import Frames


def pick(num_frames: int, seconds: float, frames: Frames) -> NDArray[np.int64]:
    """Returns the indices of the frames to take of a video of `num_frames` frames that lasts `seconds`.

    Evenly spread from the first frame to the last.
    """
    wanted = min(max(round(seconds * frames.fps), frames.min_frames), frames.max_frames, num_frames)
    return np.linspace(0, num_frames - 1, wanted).round().astype(np.int64)
