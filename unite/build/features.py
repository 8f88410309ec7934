"""The features of frozen towers that are kept on disk."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

from torch import nn

from unite.config.schema import FeatureCacheConfig, TrainConfig
from unite.embedding.feature_cache import FeatureCache
from unite.embedding.fingerprints import towers_fingerprint
from unite.encoder.families.family import Family, modules_of
from unite.encoder.vlm import VLMEncoder
from unite.errors import ConfigError, UniteError, must_be

_HINT = "Its features change with every step. Freeze it, or set feature_cache.folder=null."


def trained_tower_faults(config: TrainConfig, family: type[Family] | None) -> Iterator[UniteError]:
    """Yields options that train a tower whose features are to be kept; a pattern in place of a name is told when the weights are read."""
    if config.feature_cache.folder is None or family is None:
        return
    of_towers = {name for name, modules in family.parts.items() if {module.partition(".")[0] for module in modules} & set(family.towers)}
    encoder = config.encoder
    if encoder.train_vision and not of_towers <= set(encoder.frozen):
        yield ConfigError(must_be("encoder.train_vision", "false with feature_cache.folder", True, _HINT))
    adapted = of_towers & set(encoder.adapter.targets if encoder.adapter is not None else ()) - set(encoder.frozen)
    if adapted:
        expected = "without parts of the tower with feature_cache.folder"
        yield ConfigError(must_be("encoder.adapter.targets", expected, ", ".join(sorted(adapted)), _HINT))


def with_stored_features(given: FeatureCacheConfig, encoder: VLMEncoder, *, is_trained: bool) -> VLMEncoder:
    """Has an encoder take the features of its towers from `feature_cache.folder`, and put them there, if one is named; returns it.

    What is new is on disk at the latest when the encoder, or the process, comes to its end.

    Args:
        given: the options.
        encoder: with the weights that its towers stay with.
        is_trained: whether it is about to be.

    Raises:
        ConfigError: if its towers are trained, or it is of a class of the user's own.
    """
    if given.folder is None:
        return encoder
    if not isinstance(encoder, VLMEncoder):
        hint = "Another class has no towers that are known here."
        raise ConfigError(must_be("feature_cache.folder", "null for an encoder of one's own", given.folder, hint))
    if is_trained and _trains_a_tower(encoder):
        raise ConfigError(must_be("the tower of an encoder with feature_cache.folder", "frozen", "trained", _HINT))
    towers: list[nn.Module] = modules_of(encoder.model, encoder.family.towers)
    if isinstance(encoder.family, nn.Module):  # it normalises
        towers.append(encoder.family)
    cache = FeatureCache(given.folder, towers_fingerprint(towers, encoder.processor.reader), 1e9 * given.max_gb)
    encoder.stored = cache
    weakref.finalize(encoder, cache.close)
    return encoder


def _trains_a_tower(encoder: VLMEncoder) -> bool:
    within = {id(module) for tower in modules_of(encoder.model, encoder.family.towers) for module in tower.modules()}
    adapted: Any = (id(encoder.model.get_submodule(name)) for name in encoder.trained.adapted)
    return not encoder.vision_is_frozen or not within.isdisjoint(adapted)
