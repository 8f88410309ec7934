"""Sources, mixtures and batches, and the built-in world."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from omegaconf import MISSING

from unite.config.schema.media import Decoding


@dataclass
class SourceConfig:
    """A source of pairs. See `unite.data.source.SourceDataModule`."""

    _target_: str = "unite.data.source.SourceDataModule"
    name: str = MISSING
    shards: str = MISSING
    query: str = MISSING
    positive: str = MISSING
    neighbours: int = 1
    decoding: Decoding = field(default_factory=Decoding)
    world: Any = None


class Exhausted(Enum):
    """What happens once the first source has shown all its rows: it begins again, or the epoch ends."""

    repeat = "repeat"
    end = "end"


@dataclass
class MixtureConfig:
    """Sources and their shares. `run_length`: places in a row of a batch that one source fills.

    `temperature` stands instead of the shares (`mixture.shares=null mixture.temperature=2`): see `unite.data.order.shares_by_temperature`.
    """

    sources: dict[str, SourceConfig] = field(default_factory=dict)
    shares: dict[str, float] | None = field(default_factory=dict)
    temperature: float | None = None
    exhausted: Exhausted = Exhausted.repeat
    run_length: int = 1


@dataclass
class DataConfig:
    """How batches are made of the mixture. `batch_size` counts samples a step over all ranks, `token_budget` tokens a micro-batch."""

    batch_size: int = 32
    token_budget: int = 16384
    num_workers: int = 0
    max_skipped_share: float = 0.01


@dataclass
class WorldConfig:
    """The built-in world. See `unite.worlds.emoji`."""

    _target_: str = "unite.worlds.emoji.EmojiWorld"
    root: str = "${data_root}"
    seed: int = 0
    num_train: int = 4096
    num_queries: int = 128
    num_candidates: int = 256
    num_glyphs: int = 48
