"""The contrastive losses. `unite.objective` states them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from unite.errors import ConfigError, must_be


@dataclass(kw_only=True)
class ObjectiveConfig:
    """What InfoNCE and MAMCL share.

    Attributes:
        temperature: divides the similarities; where it is learned, it starts there.
        learnable_temperature: whether it is learned.
        symmetric: whether candidates score queries too.
        modality_weights: weight of a row by the name of its positive's modality (`text+image`); 1 where none is given.
        false_negative_margin: negatives more similar than the positive by more than this are left out; null keeps all. See
            `unite.objective.false_negative_margin`.
        hardness: how much more a negative counts that resembles the query; 0 counts all alike. See `unite.objective.hardness`.

    Raises:
        ConfigError: if a value is out of its range. That of the temperature is `unite.objective.Temperature`'s.
    """

    _target_: str
    temperature: float = 0.03
    learnable_temperature: bool = False
    symmetric: bool = False
    modality_weights: dict[str, float] = field(default_factory=dict)
    false_negative_margin: float | None = None
    hardness: float = 0.0

    def __post_init__(self) -> None:
        for name, weight in self.modality_weights.items():
            if not 0 < weight < math.inf:  # NaN is in no range
                hint = "Leave a modality out of the mixture to leave it out of the loss."
                raise ConfigError(must_be(f"objective.modality_weights.{name}", "a number above 0", weight, hint))
        if self.false_negative_margin is not None and not 0 <= self.false_negative_margin < math.inf:
            raise ConfigError(must_be("objective.false_negative_margin", "null or a number of at least 0", self.false_negative_margin))
        if not 0 <= self.hardness < math.inf:
            raise ConfigError(must_be("objective.hardness", "a number of at least 0", self.hardness))


@dataclass(kw_only=True)
class InfoNCEConfig(ObjectiveConfig):
    """Symmetric InfoNCE over all candidates: the paper's stage 1."""

    _target_: str = "unite.objective.InfoNCE"
    symmetric: bool = True


@dataclass(kw_only=True)
class MAMCLConfig(ObjectiveConfig):
    """Modality-aware masked contrastive learning: the paper's stage 2."""

    _target_: str = "unite.objective.MAMCL"


@dataclass(kw_only=True)
class MatryoshkaConfig:
    """An objective at several widths of the embedding.

    Attributes:
        objective: the objective.
        dims: widths; the paper halves from the full width down.
        weights: one a width; 1 each by default, as in the paper.

    Raises:
        ConfigError: if there is no width, a width is below 1 or twice there, or weights are not one positive number a width.
    """

    _target_: str = "unite.objective.Matryoshka"
    objective: Any
    dims: list[int]
    weights: list[float] | None = None

    def __post_init__(self) -> None:
        if not self.dims or min(self.dims) < 1 or len(set(self.dims)) != len(self.dims):
            raise ConfigError(must_be("objective.dims", "different widths of at least 1", list(self.dims)))
        weights = self.weights
        if weights is not None and not (len(weights) == len(self.dims) and all(math.isfinite(one) and one > 0 for one in weights)):
            raise ConfigError(must_be("objective.weights", f"{len(self.dims)} numbers above 0, one a width", list(weights)))
