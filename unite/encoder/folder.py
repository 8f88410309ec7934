"""What a checkpoint consists of, in a folder or on the hub.

config.json, weights            a model; its head, if it has one, is left out
adapter_config.json, weights    a PEFT adapter, which is merged into the base that it names, or that `encoder.base` names
both                            a model and an adapter on it
modules.json                    one that sentence-transformers saved; the model may lie in a folder below (`unite.sentence_modules`)
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from transformers import CONFIG_MAPPING, PreTrainedConfig
from transformers.utils.hub import cached_file

from unite.checkpoints import check_whole
from unite.encoder.families import Released, family_of, released_as
from unite.encoder.families.family import Family
from unite.errors import CheckpointError, ConfigError, must_be
from unite.files import read_json
from unite.sentence_modules import sentence_folder

log = logging.getLogger(__name__)

ADAPTER_FILE = "adapter_config.json"
_HINT = (
    "Give a folder with config.json, weights and processor files, or the hub name of a checkpoint that is in the local cache; "
    "with HF_HUB_OFFLINE=0 it is downloaded."
)


@dataclass(frozen=True)
class Parts:
    """Where the parts of a checkpoint are.

    Attributes:
        path: what was named, a folder or a hub name.
        weights: folder or hub name of the whole weights.
        has_adapter: whether `path` holds a PEFT adapter for them.
        config: transformers' config of the weights.
        family: of the weights.
        released: how the model type of the weights is to be understood.
    """

    path: str
    weights: str
    has_adapter: bool
    config: Any
    family: type[Family]
    released: Released

    @property
    def places(self) -> tuple[str, ...]:
        """Where settings, tokenizer and processor may lie: what was named comes before its base."""
        return tuple(dict.fromkeys((self.path, self.weights)))


def file_of(path: str, name: str) -> Path | None:
    """Returns a file of a folder or of a repository on the hub; None where it has none of that name, or is not there."""
    if Path(path).is_dir():
        file = Path(path) / name
        return file if file.is_file() else None
    try:
        found = cached_file(path, name)
    except (OSError, ValueError):  # no such file, or no such repository, of which reading the config tells
        return None
    return None if found is None else Path(found)


def no_checkpoint(option: str, path: str, error: Exception) -> CheckpointError:
    """Returns the error about a checkpoint that is none, or is broken."""
    return CheckpointError(must_be(option, "one that can be loaded", path, f"{_HINT} ({error})"))


def parts_of(path: str, base: str | None = None) -> Parts:
    """Finds the parts of a checkpoint; no weights are read.

    Args:
        path: a folder or a hub name.
        base: what an adapter is put on; None for the base that its own config names.

    Raises:
        CheckpointError: if there is no such checkpoint, its base is not there, or it is of no known family.
        ConfigError: if a base is named for a checkpoint that is no adapter.
    """
    saved = sentence_folder(path)
    adapter = file_of(path, ADAPTER_FILE)
    if adapter is None and base is not None:
        raise ConfigError(must_be("encoder.base", f"null, since {path} is no adapter (it has no {ADAPTER_FILE})", base))
    weights, option = path if saved is None else str(saved.transformer), "the checkpoint"
    if adapter is not None and (base is not None or file_of(path, "config.json") is None):
        weights, option = base or _named_base(path, adapter), "the base of the adapter"
        if file_of(weights, ADAPTER_FILE) is not None:
            hint = "Merge that adapter first, and name the merged folder."
            raise CheckpointError(must_be(option, "a model without an adapter of its own", weights, hint))
    elif adapter is not None and not Path(path).is_dir():  # transformers would put the adapter on by itself
        hint = "Download it, and give its folder."
        raise CheckpointError(must_be("the checkpoint", "a folder, since it is a model with an adapter beside it", path, hint))
    check_whole(Path(weights), option)
    try:
        told, _ = PreTrainedConfig.get_config_dict(weights)
    except (OSError, ValueError) as error:
        raise no_checkpoint(option, weights, error) from error
    if not told.get("model_type"):
        raise no_checkpoint(option, weights, ValueError("its config.json names no model_type"))
    released = released_as(told["model_type"])
    family = family_of(released.model_type, weights)
    if adapter is not None and base is not None:
        _check_base(path, adapter, weights, released.model_type)
    # As its backbone's: the name of an own type and where its own code lies would ask for that code.
    plain = {name: value for name, value in told.items() if name not in ("model_type", "auto_map")}
    try:
        config = CONFIG_MAPPING[released.model_type].from_dict(plain, name_or_path=weights)
    except (TypeError, ValueError, StrictDataclassError) as error:  # a value of a wrong type, or of none that is known
        raise no_checkpoint(option, weights, error) from error
    return Parts(path, weights, adapter is not None, config, family, released)


def _named_base(path: str, adapter: Path) -> str:
    """Returns the base that an adapter's config names: as it is written, or a folder relative to the adapter's own."""
    named = read_json(adapter).get("base_model_name_or_path")
    hint = "Name the folder of the base by encoder.base=<folder or hub name>."
    if not named:
        raise CheckpointError(must_be(f"base_model_name_or_path of the adapter {path}", "named", named, hint))
    beside = Path(path) / named
    where = str(beside) if beside.is_dir() and not Path(named).is_dir() else str(named)
    if file_of(where, "config.json") is None:
        what = f"a checkpoint that is here or in the local cache (so says its {ADAPTER_FILE})"
        raise CheckpointError(must_be(f"the base of the adapter {path}", what, named, hint))
    return where


def _check_base(path: str, adapter: Path, base: str, model_type: str) -> None:
    """Refuses a base of another model type than the one that the adapter names, if that is here: names and shapes may agree by chance."""
    named = read_json(adapter).get("base_model_name_or_path")
    config = file_of(named, "config.json") if named else None
    told = None if config is None else read_json(config).get("model_type")
    if told and (own := released_as(told).model_type) != model_type:
        found, hint = f"{base}, a {model_type}", "Leave encoder.base out, or name a copy of that base."
        raise CheckpointError(must_be("encoder.base", f"a {own} as {named}, which the adapter {path} was trained on", found, hint))
