"""Leaves out rows with images too small to show anything or too long drawn."""

from __future__ import annotations

from dataclasses import dataclass

from unite.curation.loaded import LoadedRow
from unite.curation.steps.step import Drop
from unite.errors import ConfigError, must_be


@dataclass(frozen=True)
class ImageSize:
    """Judges every image and video frame by its header.

    Attributes:
        min_side: pixels of the shorter side.
        max_aspect: longer side over shorter.
    """

    min_side: int = 64
    max_aspect: float = 5.0
    name: str = "image_size"

    def __post_init__(self) -> None:
        if self.min_side < 0:
            raise ConfigError(must_be(f"{self.name}.min_side", "at least 0", self.min_side))
        if self.max_aspect < 1:
            raise ConfigError(must_be(f"{self.name}.max_aspect", "at least 1", self.max_aspect))

    def judge_row(self, row: LoadedRow) -> Drop | None:
        """Returns the first picture that is out of bounds."""
        for medium in row.media:
            if medium.size is None:
                continue
            width, height = medium.size
            short, long = sorted((width, height))
            if short < self.min_side:
                return Drop("image too small", f"{medium.where} is {width} x {height}")
            if long > self.max_aspect * short:
                return Drop("image too long drawn", f"{medium.where} is {width} x {height}")
        return None
