"""What config and shards tell to be wrong, before torch is imported, a world is built or a weight is read; all of it at once.

A check is a function that yields what is wrong; a new one is added to the tuple of its command. What a checkpoint, Lightning or the files
of a suite tell is checked in `unite.build.check`.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from unite.build.early_data import mixture_faults, pairs_faults, shard_faults, source_faults, suite_faults
from unite.build.early_search import corpus_faults, lancedb_faults, out_faults, serving_faults
from unite.build.early_training import (
    base_faults,
    budget_faults,
    device_faults,
    length_faults,
    negligible_faults,
    seed_faults,
    sharded_faults,
    start_faults,
    sweep_faults,
    validation_faults,
)
from unite.checkpoints import find_checkpoint
from unite.config.folder import nearest_existing
from unite.config.schema import (
    CurateConfig,
    EmbedConfig,
    EvaluateConfig,
    ExportConfig,
    IndexConfig,
    ServeConfig,
    StampsConfig,
    TrainConfig,
)
from unite.curation.set_folder import check_source
from unite.errors import ConfigError, UniteError, caught, must_be, must_be_one_of, raise_all
from unite.export.place import check_out, check_repository
from unite.export.source import find_source
from unite.worlds.stamps.packages import packages
from unite.worlds.stamps.pictures import check_renderer

Faults = Iterator[UniteError]


def check_train(config: TrainConfig) -> None:
    """Raises what is wrong with the config of a training, all of it at once."""
    raise_all(fault for check in _OF_TRAIN for fault in check(config))


def check_evaluate(config: EvaluateConfig) -> None:
    """Raises what is wrong with the config of an evaluation, all of it at once."""
    raise_all(fault for check in _OF_EVALUATE for fault in check(config))


def check_curate(config: CurateConfig) -> None:
    """Raises what is wrong with the config of a curation, all of it at once."""
    raise_all(fault for check in _OF_CURATE for fault in check(config))


def check_stamps(config: StampsConfig) -> None:
    """Raises what is wrong with the config of the stamps, all of it at once."""
    raise_all(fault for check in _OF_STAMPS for fault in check(config))


def check_export(config: ExportConfig) -> None:
    """Raises what is wrong with the config of an export, all of it at once."""
    raise_all(fault for check in _OF_EXPORT for fault in check(config))


def check_embed(config: EmbedConfig) -> None:
    """Raises what is wrong with the config of embedding a corpus, all of it at once."""
    raise_all(fault for check in _OF_EMBED for fault in check(config))


def check_index(config: IndexConfig) -> None:
    """Raises what is wrong with the config of an index, all of it at once."""
    raise_all(fault for check in _OF_INDEX for fault in check(config))


def check_search(config: ServeConfig) -> None:
    """Raises what is wrong with the config of a search page, all of it at once."""
    raise_all(fault for check in _OF_SEARCH for fault in check(config))


def range_faults(config: Any) -> Faults:
    """Yields the values that the dataclasses of the schema refuse; those of a stage without steps are not asked."""
    unused = {name for stage, name in (("alignment", "alignment"), ("adaptation", "mixture")) if not _has_steps(config, stage)}
    for name in map(str, config):
        if name not in unused and not OmegaConf.is_interpolation(config, name) and not OmegaConf.is_missing(config, name):
            yield from _of_ranges(config[name])


def name_faults(node: Any) -> Faults:
    """Yields options that the schema does not have, which Hydra takes if they are given with a plus."""
    if isinstance(node, ListConfig):
        for one in node:
            yield from name_faults(one)
    if not isinstance(node, DictConfig):
        return
    kind: Any = OmegaConf.get_type(node)
    names = [str(name) for name in node]
    if dataclasses.is_dataclass(kind):
        known = [field.name for field in dataclasses.fields(kind)]
        path = str(node._get_full_key(None))
        for name in sorted(set(names) - set(known)):
            yield ConfigError(must_be_one_of(f"an option of {path}" if path else "an option", known, name))
    for name in names:
        if not (OmegaConf.is_missing(node, name) or OmegaConf.is_interpolation(node, name)):
            yield from name_faults(node[name])


def folder_faults(config: Any) -> Faults:
    """Yields places to write to that cannot be. A data folder may be one that is read only; Hydra itself asks for runs_root."""
    for option in ("out", "data_root", "cache", "feature_cache.folder"):
        place = OmegaConf.select(config, option)
        may_be_far = option == "data_root" or (option == "out" and "corpus" in config)  # shards are read from stores, corpora written to
        if place is None or (may_be_far and "://" in place):
            continue
        if not place.strip() or "://" in place:  # a path would be the folder one is in, or one called `s3:`
            yield ConfigError(must_be(option, "a folder of this machine", place))
            continue
        nearest = nearest_existing(place)
        if not nearest.is_dir():
            yield ConfigError(must_be(option, "a folder", place, f"{nearest} is a file."))
        elif option == "out" and not os.access(nearest, os.W_OK | os.X_OK):
            yield ConfigError(must_be(option, "a folder that can be written", place, f"{nearest} allows it not. Name another place."))


def curation_faults(config: CurateConfig) -> Faults:
    """Yields numbers and names that no set can be made by."""
    for name, value in (("rows_per_part", config.rows_per_part), ("samples_per_shard", config.samples_per_shard)):
        if value < 1:
            yield ConfigError(must_be(name, "at least 1", value))
    if not config.recipes:
        yield ConfigError(must_be("recipes", "at least 1", 0))
    if not 0 <= config.max_unusable_share <= 1:
        yield ConfigError(must_be("max_unusable_share", "from 0 to 1", config.max_unusable_share))
    for key, recipe in config.recipes.items():
        yield from caught(check_source, recipe.get("name") or key)


def stamps_faults(config: StampsConfig) -> Faults:
    """Yields what no set of stamps can be made by: no place to keep what is fetched, no such part, no renderer."""
    if config.cache is None:
        yield ConfigError(must_be("cache", "a folder", config.cache, "Nobody knows where the user's is: set UNITE_CACHE to a folder."))
    yield from caught(packages, config.collections, config.animations)
    yield from caught(check_renderer)


_OF_TRAIN = (
    *(name_faults, range_faults, seed_faults, sweep_faults, length_faults, mixture_faults, shard_faults, suite_faults, budget_faults),
    *(lambda config: device_faults(config.trainer), sharded_faults, negligible_faults, validation_faults, start_faults, folder_faults),
)
_OF_EVALUATE = (
    *(name_faults, range_faults, lambda config: caught(find_checkpoint, config.checkpoint), base_faults),
    *(lambda config: pairs_faults("suite", config.suite), folder_faults),
)
_OF_EMBED = (
    lancedb_faults,
    name_faults,
    lambda config: _of_ranges(config),
    source_faults,
    out_faults,
    lambda config: caught(find_checkpoint, config.checkpoint),
    base_faults,
    folder_faults,
)
_OF_INDEX = (lancedb_faults, name_faults, lambda config: _of_ranges(config), corpus_faults)
_OF_CURATE = (name_faults, range_faults, curation_faults, folder_faults)
_OF_STAMPS = (name_faults, lambda config: _of_ranges(config), stamps_faults, folder_faults)
_OF_EXPORT = (
    *(name_faults, range_faults),
    *(lambda config: caught(find_source, config.run), lambda config: caught(check_out, config.out)),
    lambda config: caught(check_repository, config.push_to_hub),
)
_OF_SEARCH = (name_faults, lambda config: _of_ranges(config), serving_faults, folder_faults)


def _has_steps(config: Any, stage: str) -> bool:
    return stage not in config or config[stage].max_steps > 0


def _of_ranges(node: Any) -> Faults:
    """Yields what the dataclasses of a node refuse, and those within it."""
    if isinstance(node, ListConfig):
        for one in node:
            yield from _of_ranges(one)
    if not isinstance(node, DictConfig):
        return
    names = [str(name) for name in node]
    kind: Any = OmegaConf.get_type(node)
    is_schema = dataclasses.is_dataclass(kind)
    if is_schema and not OmegaConf.missing_keys(node):
        yield from caught(OmegaConf.to_object, node)  # with those within it: a fault that is found twice is told once
    for name in names:
        if not (OmegaConf.is_missing(node, name) or OmegaConf.is_interpolation(node, name)):  # what that refers to stands elsewhere
            yield from _of_ranges(node[name])
