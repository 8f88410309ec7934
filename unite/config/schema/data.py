"""Sources, mixtures and batches."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from unite.config.schema.clips import ClipsConfig
from unite.config.schema.media import Decoding
from unite.errors import ConfigError, must_be, must_be_one_of


@dataclass(kw_only=True)
class SourceConfig:
    """A source of pairs. See `unite.data.source.SourceDataModule`.

    Attributes:
        name: what it is called in the mixture, the log and the errors.
        shards: a folder of shards or a glob of tars, as a path or as an address that fsspec knows (`s3://bucket/set/*.tar`; its package,
            s3fs here, must be installed); a path is relative to the folder of the `world`, if there is one.
        query: modality of the queries (`text`, `text+image`, ...); a row of another kind is refused by name.
        positive: modality of the positives.
        neighbours: how many consecutive rows stay together when rows are shuffled (rows written as families of hard neighbours).
        decoding: how media are decoded.
        clips: what training shows of videos; by default, as they are.
        world: what builds the shards before they are read; null where they are there.

    Raises:
        ConfigError: if `neighbours` is below 1, or `clips` asks for what such pairs do not have.
    """

    _target_: str = "unite.data.source.SourceDataModule"
    name: str
    shards: str
    query: str
    positive: str
    neighbours: int = 1
    decoding: Decoding = field(default_factory=Decoding)
    clips: ClipsConfig = field(default_factory=ClipsConfig)
    world: Any = None

    def __post_init__(self) -> None:
        if self.neighbours < 1:
            raise ConfigError(must_be(f"source.{self.name}.neighbours", "at least 1", self.neighbours))
        self.clips.check(f"source.{self.name}", self.query, self.positive, self.neighbours)


class Exhausted(StrEnum):
    """What happens once the first source has shown all its rows: it begins again, or the epoch ends."""

    repeat = "repeat"
    end = "end"


@dataclass(kw_only=True)
class MixtureConfig:
    """Sources and their shares. See `unite.data.mixture.MixtureDataModule`.

    Attributes:
        sources: by name.
        shares: each source's share of the samples; need not sum to 1. null with a temperature.
        temperature: instead of shares: each source's is proportional to num_rows ** (1 / temperature).
        exhausted: what happens once the first source has shown all its rows: `repeat` it, or `end` the epoch.
        run_length: places in a row of a batch that one source fills.

    Raises:
        ConfigError: if there are both shares and a temperature, or `exhausted` is neither.
    """

    sources: dict[str, SourceConfig] = field(default_factory=dict)
    shares: dict[str, float] | None = field(default_factory=dict)
    temperature: float | None = None
    exhausted: Exhausted = Exhausted.repeat
    run_length: int = 1

    def __post_init__(self) -> None:
        if self.temperature is not None and self.shares:
            hint = "Set mixture.shares=null to use the temperature, or leave the temperature out."
            raise ConfigError(must_be("mixture.shares", f"empty with mixture.temperature={self.temperature}", dict(self.shares), hint))
        if self.exhausted not in list(Exhausted):
            raise ConfigError(must_be_one_of("mixture.exhausted", Exhausted, self.exhausted))


@dataclass(kw_only=True)
class DataConfig:
    """How batches are made of the mixture.

    Attributes:
        batch_size: samples a step over all ranks.
        token_budget: tokens in a micro-batch, padding included.
        num_workers: processes that decode and pack; 0 does it in the training process.
        max_skipped_share: of the samples that may be unreadable before the run breaks off.

    Raises:
        ConfigError: if a value is out of its range.
    """

    batch_size: int = 32
    token_budget: int = 16384
    num_workers: int = 0
    max_skipped_share: float = 0.01

    def __post_init__(self) -> None:
        for name, least in (("num_workers", 0), ("token_budget", 1)):
            if getattr(self, name) < least:
                raise ConfigError(must_be(f"data.{name}", f"at least {least}", getattr(self, name)))
        if not 0 <= self.max_skipped_share <= 1:
            raise ConfigError(must_be("data.max_skipped_share", "from 0 to 1", self.max_skipped_share))
