"""A PEFT adapter that others saved, merged into its base.

Which layers it adapts is read from its weights, not from its config: a pattern there was written for the names of the model that it was
trained on, which may be those of another release of transformers.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from peft import LoraConfig, PeftConfig, PeftModel, load_peft_weights, set_peft_model_state_dict
from safetensors import SafetensorError
from torch import Tensor

from unite.encoder.folder import Parts
from unite.encoder.weights import is_head, name_patterns, renamed, what_is_wrong
from unite.errors import CheckpointError, must_be

log = logging.getLogger(__name__)

#: peft's name for the model that it wraps.
_WRAPPED = "base_model.model."
_HINT = "Name the base that it was trained on by encoder.base=<folder or hub name>, or copy the adapter again."


def merge_adapter_folder(model: Any, parts: Parts) -> Any:
    """Returns the model with the adapter of the checkpoint merged into its weights.

    Raises:
        CheckpointError: if the adapter is incomplete or not finite, no LoRA, or for another base.
    """
    config, weights = _read(parts.path)
    patterns = name_patterns(parts.family)
    named = {_plain(renamed(name, patterns)): weight for name, weight in weights.items()}
    if left_out := sorted(name for name in named if is_head(name)):
        log.info("of the adapter %s the part of the head is left out: %s", parts.path, ", ".join(left_out))
    low_rank = {name: weight for name, weight in named.items() if ".lora_" in name and not is_head(name)}
    whole = {name: weight for name, weight in named.items() if ".lora_" not in name and not is_head(name)}
    adapted = {name.split(".lora_")[0] for name in low_rank}
    places = {name for name, _ in model.named_modules()}
    surplus = [name for name in low_rank if name.split(".lora_")[0] not in places]
    surplus += sorted(whole.keys() - model.state_dict().keys())
    if surplus or not (low_rank or whole):
        raise _not_of_base(parts, what_is_wrong((), surplus) or "without weights")
    try:
        model.load_state_dict(whole, strict=False)
        if adapted:
            model = _merged(model, _for_layers(config, adapted, patterns), low_rank, parts)
    except (RuntimeError, ValueError) as error:  # another shape, or a layer that is no linear one
        told = re.sub(r"\s+", " ", str(error))[:400]
        raise CheckpointError(must_be(f"the adapter {parts.path}", f"one for {parts.weights}", "another", f"{_HINT} ({told})")) from error
    named_base = str(config.base_model_name_or_path or "no base")
    log.info("the adapter %s is merged into %s; it was trained on %s, as it says", parts.path, parts.weights, named_base)
    return model


def _read(path: str) -> tuple[LoraConfig, dict[str, Tensor]]:
    """Returns config and weights of an adapter."""
    files = ("adapter_model.safetensors", "adapter_model.bin")
    if Path(path).is_dir() and not any((Path(path) / file).is_file() for file in files):
        raise CheckpointError(must_be(f"the adapter {path}", "complete", f"without {files[0]}", "Copy it again."))
    try:
        config = PeftConfig.from_pretrained(path)
        weights: dict[str, Tensor] = load_peft_weights(path, device="cpu")
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(must_be(f"the adapter {path}", "readable", "broken", f"Copy it again. ({error})")) from error
    if not isinstance(config, LoraConfig):
        hint = "Merge it where it was trained, and give the merged folder."
        raise CheckpointError(must_be(f"the adapter {path}", "a LoRA", str(config.peft_type), hint))
    if broken := sorted(name for name, weight in weights.items() if not weight.isfinite().all()):
        found = f"with {len(broken)} weights that are not, {broken[0]} first"
        raise CheckpointError(must_be(f"the adapter {path}", "finite", found, "Its training went wrong: take an earlier one."))
    return config, weights


def _plain(name: str) -> str:
    """Returns a weight's name without the marks of peft's wrappers."""
    return name.replace(".base_layer.", ".").replace(".modules_to_save.", ".")


def _for_layers(config: LoraConfig, adapted: set[str], patterns: Mapping[str, str]) -> LoraConfig:
    """Returns the config for exactly these layers, ranks and scales that it names by layer under the model's names."""
    config.target_modules = sorted(adapted)
    config.exclude_modules = config.layers_to_transform = config.layers_pattern = config.modules_to_save = None
    config.task_type = None
    config.bias = "none"  # those that were trained are whole weights, and loaded
    config.rank_pattern, config.alpha_pattern = (
        {renamed(name, patterns): value for name, value in (given or {}).items()} for given in (config.rank_pattern, config.alpha_pattern)
    )
    return config


def _merged(model: Any, config: LoraConfig, weights: Mapping[str, Tensor], parts: Parts) -> Any:
    wrapped = PeftModel(model, config)
    result: Any = set_peft_model_state_dict(wrapped, {_WRAPPED + name: weight for name, weight in weights.items()})
    missing = [name.removeprefix(_WRAPPED) for name in result.missing_keys if ".lora_" in name]
    if found := what_is_wrong(missing, result.unexpected_keys):
        raise _not_of_base(parts, found)
    return wrapped.merge_and_unload()


def _not_of_base(parts: Parts, found: str) -> CheckpointError:
    return CheckpointError(must_be(f"the adapter {parts.path}", f"complete and one for {parts.weights}", found, _HINT))
