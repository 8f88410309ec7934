"""Validation while training."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from unite.errors import ConfigError, must_be


@dataclass(kw_only=True)
class HeldOutConfig:
    """Rows kept from training. See `unite.data.held_out.HeldOut`.

    Attributes:
        share: of each source's rows, 0 to 1; rows that share a content are held out together, so it may be less.
        max_rows: of a source at most; null is no bound.
        seed: another seed, other rows.
        back: also find the queries by the positives, as tasks named `..._back`.

    Raises:
        ConfigError: if a value is out of its range.
    """

    share: float = 0.05
    max_rows: int | None = 1000
    seed: int = 0
    back: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            hint = "To hold out nothing: validation=none."
            raise ConfigError(must_be("validation.held_out.share", "above 0 and below 1", self.share, hint))
        if self.max_rows is not None and self.max_rows < 1:
            raise ConfigError(must_be("validation.held_out.max_rows", "at least 1, or null for no bound", self.max_rows))


class Export(StrEnum):
    """Which weights a stage ends with: those of its last step, or those that were best in validation."""

    last = "last"
    best = "best"


@dataclass(kw_only=True)
class ValidationConfig:
    """Validation of the adaptation stage: on rows held out of the mixture, or on a suite. See `unite.training.validation`.

    Attributes:
        every_n_steps: between two validations, one more at the last step; 0 never validates and trains on the same rows.
        held_out: rows kept from training, to validate on; null trains on all.
        suite: tasks to validate on instead.
        patience: validations in a row without a better score after which training ends; null never ends it.

    Raises:
        ConfigError: if there is both a suite and held-out rows, or a number is out of its range.
    """

    every_n_steps: int = 200
    held_out: HeldOutConfig | None = None
    suite: Any = None
    patience: int | None = None

    def __post_init__(self) -> None:
        if self.every_n_steps < 0:
            raise ConfigError(must_be("validation.every_n_steps", "at least 1, or 0 for never", self.every_n_steps))
        if self.patience is not None and self.patience < 1:
            raise ConfigError(must_be("validation.patience", "at least 1, or null to train on", self.patience))
        if self.held_out is not None and self.suite is not None:
            hint = "Choose validation=held_out or validation=suite."
            raise ConfigError(must_be("validation.suite", "null with validation.held_out", "given", hint))
