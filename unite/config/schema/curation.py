"""`python -m unite.curate`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from omegaconf import MISSING


@dataclass
class MediaConfig:
    """What media become when they are curated. See `unite.curation.media.MediaPolicy`."""

    _target_: str = "unite.curation.media.MediaPolicy"
    max_pixels: int = 1280 * 28 * 28
    frame_pixels: int = 240 * 320
    multiple: int = 28
    jpeg_quality: int = 90
    fps: float = 1.0
    min_frames: int = 4
    max_frames: int = 12
    max_source_pixels: int = 128_000_000
    max_source_bytes: int = 1 << 31
    max_seconds: float = 3600.0
    max_source_frames: int = 250_000
    deadline_seconds: float = 120.0


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
    media: MediaConfig = field(default_factory=MediaConfig)
    rows_per_part: int = 1000
    samples_per_shard: int = 1000
    seed: int = 0
    workers: int = 0
    engine: Engine = Engine.local
    max_unusable_share: float = 0.5
