"""What the config and the shards' indices tell of the data: mixtures, the sources' shards, those of suites of pairs. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

from omegaconf import OmegaConf

from unite.config.schema import ColumnsConfig, EmbedConfig, StageConfig, TrainConfig
from unite.config.schema.data import SourceConfig
from unite.config.schema.evaluation import PairsSuiteConfig
from unite.curation.recipes.annotation_files import JSON, format_of
from unite.data.address import Address, existing_shards
from unite.data.index import load_index
from unite.data.order import SourceSize, order_faults, size_faults, temperature_faults
from unite.data.shard_sets import find_sets
from unite.errors import ConfigError, UniteError, caught, gathered, must_be
from unite.types import Modality


def addresses(config: EmbedConfig) -> str | list[str] | dict[str, str]:
    """Returns what is embedded: an address, several, or several by name. Raises ConfigError if it is something else."""
    given = OmegaConf.to_container(config.corpus, resolve=True) if OmegaConf.is_config(config.corpus) else config.corpus
    several = list(given.values()) if isinstance(given, Mapping) else given if isinstance(given, list) else [given]
    if not several or not all(isinstance(one, str) and one for one in several):
        raise ConfigError(must_be("corpus", "an address, a list of addresses, or addresses by name", given))
    return cast("str | list[str] | dict[str, str]", given)


def source_faults(config: EmbedConfig) -> Iterator[UniteError]:
    """Yields what a look at the sources of a corpus tells: one is not there, or a table has no column to embed.

    A folder is not walked through, a store not asked, and a JSON list, which is read whole, not opened: that is done once, later.
    """
    from unite.search.corpus.sources import open_source  # not for commands that know no corpus

    try:
        given = addresses(config)
    except ConfigError as fault:
        yield fault
        return
    columns = cast(ColumnsConfig, OmegaConf.to_object(cast(Any, config.columns)))
    for address in [given] if isinstance(given, str) else list(given.values() if isinstance(given, dict) else given):
        path = Path(address)
        if "://" not in address and not path.is_dir() and format_of(path) != JSON:
            yield from caught(open_source, address, columns, Path(config.out))


def mixture_faults(config: TrainConfig) -> Iterator[UniteError]:
    """Yields what is wrong with sources, shares, run and batch lengths of the stages that are trained."""
    for path, stage in stages_of(config, without_mixture=True):
        mixture = stage.mixture
        if mixture is None:
            hint = "Choose alignment=image_text, or leave the stage out: alignment.max_steps=0."
            yield ConfigError(must_be(path, "given for a stage that has steps", None, hint))
            continue
        neighbours = {str(name): source.get("neighbours", 1) for name, source in mixture.sources.items()}
        by_size = mixture.temperature is not None
        shares = None if by_size else dict(mixture.shares or {})
        yield from order_faults(neighbours, shares, config.data.batch_size, mixture.run_length, path)
        if by_size:
            yield from temperature_faults(mixture.temperature, path)
        for name, source in own_sources(mixture.sources):
            for side in ("query", "positive"):
                for fault in caught(Modality.parse, source[side]):
                    yield ConfigError(f"{path}.sources.{name}.{side}: {fault}")


def shard_faults(config: TrainConfig) -> Iterator[UniteError]:
    """Yields the sources of all stages whose shards are missing, broken or too few rows; those of a world are built.

    A stage that is done needs none any more.
    """
    for path, stage in stages_of(config):
        run = Path(config.run_folder)
        if config.resume and any((folder / "encoder" / "config.json").is_file() for folder in (run, run / "checkpoints" / stage.name)):
            continue
        for name, source in own_sources(stage.mixture.sources):
            if source.world is None:
                faults: list[UniteError] = []
                with gathered(faults):
                    shards = existing_shards(source.shards, f"{path}.sources.{name}.shards")
                    faults += _index_faults(name, shards, source.get("neighbours", 1))
                yield from faults


def suite_faults(config: TrainConfig) -> Iterator[UniteError]:
    """Yields what is wrong with the shards that a training is evaluated and validated on."""
    if config.evaluate:
        yield from pairs_faults("suite", config.suite)
    if config.validation.every_n_steps and not OmegaConf.is_interpolation(config.validation, "suite"):
        yield from pairs_faults("validation.suite", config.validation.suite)


def pairs_faults(path: str, suite: Any) -> Iterator[UniteError]:
    """Yields the shards of a suite of pairs that are missing or broken; other suites say themselves what they are read from.

    Args:
        path: of the suite in the config.
        suite: its config, or None.
    """
    if suite is None or suite.get("_target_") != PairsSuiteConfig._target_ or OmegaConf.is_missing(suite, "shards"):
        return
    faults: list[UniteError] = []
    with gathered(faults):
        for name, shards in find_sets(suite.shards, f"{path}.shards").items():
            faults += _index_faults(name, shards)
    yield from faults


def _index_faults(name: str, shards: Sequence[Address], neighbours: int = 1) -> Sequence[UniteError]:
    """Returns the shards of a source that are truncated, no tars or have changed; if all are well, that they hold too few rows."""
    faults: list[UniteError] = []
    num_rows = 0
    for shard in shards:
        with gathered(faults):
            num_rows += _num_rows(shard, shard.state().version)
    return faults or [*size_faults({name: SourceSize(num_rows, neighbours)})]


@cache
def _num_rows(shard: Address, version: str) -> int:
    """Returns how many rows a shard holds; the jobs of a sweep read the same ones."""
    return len(load_index(shard).samples)


def stages_of(config: TrainConfig, without_mixture: bool = False) -> Iterator[tuple[str, StageConfig]]:
    """Yields the stages that are trained, with what their mixture is called; those without one if told."""
    for name, stage in (("alignment", config.alignment), ("adaptation", config.adaptation)):
        if stage.max_steps > 0 and (without_mixture or stage.mixture is not None):
            yield "mixture" if OmegaConf.is_interpolation(stage, "mixture") else f"{name}.mixture", stage


def own_sources(sources: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yields the sources of our class; one of a user's own knows itself what it reads."""
    return ((name, source) for name, source in sources.items() if source._target_ == SourceConfig._target_)
