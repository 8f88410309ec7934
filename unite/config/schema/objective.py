"""The contrastive losses. `unite.objective` states them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from unite.errors import ConfigError, must_be, must_be_one_of


class HardnessOn(StrEnum):
    """Which negatives count by their hardness: all, or a row's own hand-made ones alone."""

    all = "all"
    hand_made = "hand_made"


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
        margin_spares_hand_made: whether a row's own hand-made negatives stay whatever the margin: who made them has judged them.
        hardness: how much more a negative counts that resembles the query; 0 counts all alike. See `unite.objective.hardness`.
        hardness_on: `all` negatives, or a row's own `hand_made` ones alone.
        query_query: whether a query also competes with the other queries of the batch (Qwen3-Embedding, arXiv 2506.05176, Eq. 1).
        candidate_candidate: whether a positive is also compared with the other candidates (likewise).

    Raises:
        ConfigError: if a value is out of its range. That of the temperature is `unite.objective.Temperature`'s.
    """

    _target_: str
    temperature: float = 0.03
    learnable_temperature: bool = False
    symmetric: bool = False
    modality_weights: dict[str, float] = field(default_factory=dict)
    false_negative_margin: float | None = None
    margin_spares_hand_made: bool = True
    hardness: float = 0.0
    hardness_on: HardnessOn = HardnessOn.all
    query_query: bool = False
    candidate_candidate: bool = False

    def __post_init__(self) -> None:
        for name, weight in self.modality_weights.items():
            if not 0 < weight < math.inf:  # NaN is in no range
                hint = "Leave a modality out of the mixture to leave it out of the loss."
                raise ConfigError(must_be(f"objective.modality_weights.{name}", "a number above 0", weight, hint))
        if self.false_negative_margin is not None and not 0 <= self.false_negative_margin < math.inf:
            raise ConfigError(must_be("objective.false_negative_margin", "null or a number of at least 0", self.false_negative_margin))
        if not 0 <= self.hardness < math.inf:
            raise ConfigError(must_be("objective.hardness", "a number of at least 0", self.hardness))
        if self.hardness_on not in list(HardnessOn):  # a name may stand for it
            raise ConfigError(must_be_one_of("objective.hardness_on", HardnessOn, self.hardness_on))
        self.hardness_on = HardnessOn(self.hardness_on)


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
