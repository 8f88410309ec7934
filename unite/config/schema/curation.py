"""`python -m unite.curate`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from omegaconf import MISSING

from unite.config.schema.media import MediaPolicy


class Engine(Enum):
    """`local` uses the cores of this machine, `ray` a Ray cluster."""

    local = "local"
    ray = "ray"


@dataclass
class CurateConfig:
    """`python -m unite.curate`. Groups fill recipes and steps: `+recipe@recipes.nli=text_pairs`, `+step@steps.short=text_length`.

    Steps run in the order in which they are named; row-wise ones stand before set-wise ones.
    """

    name: str = "curate"
    out: str = MISSING
    recipes: dict[str, Any] = field(default_factory=dict)
    steps: dict[str, Any] = field(default_factory=dict)
    media: MediaPolicy = field(default_factory=MediaPolicy)
    rows_per_part: int = 1000
    samples_per_shard: int = 1000
    seed: int = 0
    workers: int = 0
    engine: Engine = Engine.local
    max_unusable_share: float = 0.5
