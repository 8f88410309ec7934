"""What config and shards tell to be wrong, before torch is imported, a world is built or a weight is read; all of it at once.

A check is a function that yields what is wrong; a new one is added to the tuple of its command. What a checkpoint, Lightning or the files
of a suite tell is checked in `unite.build.check`.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from unite.build.early_data import mixture_faults, pairs_faults, shard_faults, source_faults, suite_faults
from unite.build.early_search import corpus_faults, lancedb_faults, out_faults, serving_faults
from unite.checkpoints import find_checkpoint
from unite.config.folder import nearest_existing
from unite.config.schema import (
    CurateConfig,
    EmbedConfig,
    EvaluateConfig,
    Export,
    ExportConfig,
    IndexConfig,
    ServeConfig,
    StampsConfig,
    TrainConfig,
    TrainerConfig,
)
from unite.config.schema.encoder import READING_FILE
from unite.config.schema.sweep import Keep
from unite.curation.set_folder import check_source
from unite.errors import ConfigError, UniteError, caught, must_be, must_be_one_of, raise_all
from unite.export.place import check_out, check_repository
from unite.export.source import find_source
from unite.files import read_json
from unite.worlds.stamps.packages import packages
from unite.worlds.stamps.pictures import check_renderer

#: Of Lightning's precisions, by the names that it has for each.
PRECISIONS = {"32-true": "32-true", "32": "32-true", "bf16-mixed": "bf16-mixed", "bf16": "bf16-mixed"}
#: Those that the step was made for: Lightning's choice where a process is alone, and our own.
STRATEGIES = ("auto", "unite", "sharded")
#: The optimizers that `sharded` does not go with, and why.
_OF_WHOLE_TENSORS = {
    "MuonCosine": "Muon makes whole matrices orthogonal, and a rank holds some of their rows.",
    "AdafactorCosine": "Adafactor looks at the rows and columns of whole matrices, and a rank holds some of their rows.",
    "AdamW8bitCosine": "bitsandbytes knows no sharded weights.",
}

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


def seed_faults(config: TrainConfig) -> Faults:
    """Yields a seed that NumPy cannot take."""
    if not 0 <= config.seed < 2**32:
        yield ConfigError(must_be("seed", f"from 0 to {2**32 - 1}", config.seed))


def sweep_faults(config: TrainConfig) -> Faults:
    """Yields what is wrong with how a sweep runs, and with what it keeps."""
    if config.sweep.num_parallel < 1:
        yield ConfigError(must_be("sweep.num_parallel", "at least 1", config.sweep.num_parallel))
    if config.sweep.keep is Keep.best and not config.validation.every_n_steps:
        hint = "Choose validation=held_out or validation=suite."
        yield ConfigError(must_be("sweep.keep", "last, stages or none where nothing is validated", "best", hint))


def length_faults(config: TrainConfig) -> Faults:
    """Yields stages of less than no steps (trainer.max_steps is that of the adaptation), or that there is no stage."""
    lengths = {"alignment.max_steps": config.alignment.max_steps, "trainer.max_steps": config.adaptation.max_steps}
    for name, steps in lengths.items():
        if steps < 0:
            yield ConfigError(must_be(name, "at least 0 (which leaves the stage out)", steps))
    if not any(lengths.values()):
        hint = "Give alignment.max_steps or trainer.max_steps a number above 0."
        yield ConfigError(must_be("the number of stages", "at least 1", 0, hint))


def budget_faults(config: TrainConfig) -> Faults:
    """Yields a token budget that holds less than one content may be long."""
    option, longest = "encoder.max_length", config.encoder.get("max_length")
    lower = f", or lower encoder.max_length to {config.data.token_budget}"
    settings = Path(config.init_from or config.encoder.get("path") or "")
    for file in (settings / "encoder" / READING_FILE, settings / READING_FILE):
        if file.is_file() and (config.init_from or config.encoder.get("checkpoint") is None):  # what it was exported with wins
            option, saved = f"max_length in {file}", read_json(file).get("max_length")
            longest = saved if isinstance(saved, int) else None  # what else it is, is told as the encoder is read
            lower = ""
            break
    if longest is not None and config.data.token_budget < longest:
        hint = f"A content of that length would fit no micro-batch: raise data.token_budget to {longest}{lower}."
        yield ConfigError(must_be("data.token_budget", f"at least {option} ({longest})", config.data.token_budget, hint))


def device_faults(trainer: TrainerConfig) -> Faults:
    """Yields a strategy or precision that would train on wrong gradients or hang."""
    if trainer.strategy not in STRATEGIES:
        hint = (
            "Others expect one backward pass a step, or average what must be summed: the ranks would wait for ever, or train on wrong "
            "gradients."
        )
        yield ConfigError(must_be_one_of("trainer.strategy", STRATEGIES, trainer.strategy, hint))
    if str(trainer.precision) not in PRECISIONS:
        hint = (
            "bf16-mixed has the range of float32, so that gradients need no scaling. Weights that are not trained are kept in bfloat16 by "
            "encoder.dtype=bfloat16, with either."
        )
        yield ConfigError(must_be_one_of("trainer.precision", sorted(set(PRECISIONS.values())), trainer.precision, hint))


def sharded_faults(config: TrainConfig) -> Faults:
    """Yields what does not go with weights that are sharded over the ranks."""
    if config.trainer.strategy != "sharded":
        return
    hint = "trainer.strategy=unite, which holds all weights on every rank, has no such bound."
    if config.encoder.get("quantization") is not None:
        hint_of_weights = f"Weights in 4 bits are not sharded. {hint}"
        yield ConfigError(
            must_be("encoder.quantization", "null with trainer.strategy=sharded", str(config.encoder.quantization), hint_of_weights)
        )
    if config.feature_cache.folder is not None:
        hint_of_features = f"A rank that finds more on disk than another would call the tower less often, and wait for ever. {hint}"
        expected = "null with trainer.strategy=sharded"
        yield ConfigError(must_be("feature_cache.folder", expected, config.feature_cache.folder, hint_of_features))
    for stage, options in (("alignment", config.alignment), ("adaptation", config.adaptation)):
        if options.max_steps == 0:
            continue
        optimizer: Any = options.optimizer
        name = str(optimizer.get("_target_")).rpartition(".")[2]
        if name in _OF_WHOLE_TENSORS:
            expected = "AdamW with trainer.strategy=sharded"
            hint_of_steps = f"{_OF_WHOLE_TENSORS[name]} Take optimizer=adamw or from_scratch. {hint}"
            yield ConfigError(must_be(f"{stage}.optimizer", expected, name, hint_of_steps))
        if optimizer.get("ema_decay") is not None:
            hint_of_average = f"The average of sharded weights is not kept. {hint}"
            expected = "null with trainer.strategy=sharded"
            yield ConfigError(must_be(f"{stage}.optimizer.ema_decay", expected, optimizer.ema_decay, hint_of_average))


def validation_faults(config: TrainConfig) -> Faults:
    """Yields a validation on nothing, and an export of what is best by no validation."""
    given = config.validation
    if given.every_n_steps and given.held_out is None and given.suite is None:
        hint = "Choose validation=held_out, validation=suite with a suite, or validation=none."
        yield ConfigError(must_be("validation.held_out or validation.suite", "given", "null both", hint))
    if config.export is Export.best and not (given.every_n_steps and config.adaptation.max_steps):
        hint = "Choose validation=held_out or validation=suite, with validation.every_n_steps above 0."
        yield ConfigError(must_be("export", "last where nothing is validated", str(config.export), hint))


def start_faults(config: TrainConfig) -> Faults:
    """Yields weights to start from that are not there, and those that random ones would be taken for."""
    is_random = config.encoder.get("checkpoint") is not None
    if is_random and (given := config.encoder.get("path")):
        hint = "Choose the encoder that it is, such as encoder=qwen2_vl_2b; a built-in one that was trained is named by init_from."
        expected = "empty where encoder.checkpoint builds random weights, as encoder=tiny does"
        yield ConfigError(must_be("encoder.path", expected, given, hint))
    if config.init_from is not None:
        yield from caught(find_checkpoint, config.init_from, "init_from")
    elif not is_random:
        yield from caught(find_checkpoint, config.encoder.path, "encoder.path")
    yield from base_faults(config)


def base_faults(config: TrainConfig | EvaluateConfig | EmbedConfig) -> Faults:
    """Yields the base of an adapter that is not there."""
    if config.encoder.get("base") is not None:
        yield from caught(find_checkpoint, config.encoder.base, "encoder.base")


def folder_faults(config: Any) -> Faults:
    """Yields places to write to that cannot be. A data folder may be one that is read only; Hydra itself asks for runs_root."""
    for option in ("out", "data_root", "cache", "feature_cache.folder"):
        place = OmegaConf.select(config, option)
        if place is None or "://" in place:
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
    *(lambda config: device_faults(config.trainer), sharded_faults, validation_faults, start_faults, folder_faults),
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
