"""Leaves out rows with images that are nearly one colour: blank pages, placeholders, a scan of 10 bits stored in 16, which is black."""

from __future__ import annotations

from dataclasses import dataclass

from unite.curation.loaded import LoadedRow
from unite.curation.steps.step import Drop
from unite.errors import ConfigError, must_be
from unite.media.picture import NEARLY_UNIFORM
from unite.types import Modality


@dataclass(frozen=True)
class ImageContrast:
    """Judges every image by its pixels, as a viewer shows them.

    Attributes:
        min_contrast: root-mean-square contrast (Peli, "Contrast in complex images", JOSA A 1990): the standard deviation of the values, of
            255, of the channel that varies most.
    """

    min_contrast: float = NEARLY_UNIFORM
    name: str = "image_contrast"

    def __post_init__(self) -> None:
        if self.min_contrast < 0:
            raise ConfigError(must_be(f"{self.name}.min_contrast", "at least 0", self.min_contrast))

    def judge_row(self, row: LoadedRow) -> Drop | None:
        """Returns the first image below it."""
        for medium in row.media:
            if medium.modality is Modality.IMAGE and medium.ready.contrast < self.min_contrast:
                return Drop("image nearly uniform", f"{medium.where} has a contrast of {medium.ready.contrast:.2f}")
        return None
