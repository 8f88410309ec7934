"""Leaves out rows with videos too short or too long, and clips in which nothing moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unite.curation.loaded import LoadedRow
from unite.curation.steps.step import Drop
from unite.errors import ConfigError, must_be
from unite.media.ready import ReadyMedium
from unite.types import Modality


@dataclass(frozen=True)
class VideoLength:
    """Judges every video or clip.

    Attributes:
        min_seconds, max_seconds: bounds on its length.
        min_motion: mean absolute difference of neighbouring kept frames, in levels of 255 on 32 x 32 greys. A still picture with
            compression noise has below 0.5, a fixed camera on a calm scene 1 to 3. 0 asks for none, and spares decoding here.
    """

    min_seconds: float = 1.0
    max_seconds: float = 600.0
    min_motion: float = 0.5
    name: str = "video_length"

    def __post_init__(self) -> None:
        if not 0 <= self.min_seconds <= self.max_seconds:
            raise ConfigError(must_be(f"{self.name}.min_seconds", f"from 0 to max_seconds ({self.max_seconds})", self.min_seconds))
        if self.min_motion < 0:
            raise ConfigError(must_be(f"{self.name}.min_motion", "at least 0", self.min_motion))

    def judge_row(self, row: LoadedRow) -> Drop | None:
        """Returns the first video that is out of bounds."""
        for medium in row.media:
            if medium.modality is not Modality.VIDEO:
                continue
            if medium.seconds < self.min_seconds:
                return Drop("video too short", f"{medium.where} lasts {medium.seconds:.2f} s")
            if medium.seconds > self.max_seconds:
                return Drop("video too long", f"{medium.where} lasts {medium.seconds:.2f} s")
            if self.min_motion > 0 and motion(medium.ready) < self.min_motion:
                return Drop("static clip", f"{medium.where} has a motion of {motion(medium.ready):.2f}")
        return None


def motion(medium: ReadyMedium) -> float:
    """Returns the mean absolute difference of neighbouring frames, 0 to 255; of one frame, 0."""
    frames = np.stack([np.asarray(frame, np.float32) for frame in medium.greys])
    return float(np.abs(np.diff(frames, axis=0)).mean()) if len(frames) > 1 else 0.0
