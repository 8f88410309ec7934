"""The weights of a checkpoint, under whichever names they were saved, and none of them dropped in silence.

transformers knows how its own releases named a model's weights. Those who save a model otherwise put `model.` or peft's
`base_model.model.` before the names; the family knows the rest (`Family.weight_names`). A language-model head is left out, since an
embedder has no use for it. Every other weight has its place, or the checkpoint is refused.
"""

from __future__ import annotations

import contextlib
import logging
import re
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModel

from unite.encoder.families.family import Family
from unite.encoder.folder import Parts
from unite.errors import CheckpointError, must_be

log = logging.getLogger(__name__)

#: What those who save a model put before the names of its weights.
_PREFIX = r"^(?:base_model\.model\.)?(?:model\.)?"
_HEAD = "lm_head."


def name_patterns(family: type[Family]) -> dict[str, str]:
    """Returns patterns of how weights may be called, each with the name that the model has for them."""
    return {_PREFIX + pattern: name for pattern, name in {**family.weight_names, r"lm_head\.": _HEAD}.items()}


def renamed(name: str, patterns: Mapping[str, str]) -> str:
    """Returns the name that the model has for what was saved as `name`; the same if no pattern knows it."""
    for pattern, own in patterns.items():
        if re.match(pattern, name):
            return re.sub(pattern, own, name, count=1)
    return name


def is_head(name: str) -> bool:
    """Whether a weight, by the model's name, is of a head, which is left out."""
    return name.startswith(_HEAD)


def load_weights(parts: Parts, dtype: str, attention: str) -> Any:
    """Returns the model, without a head, on the CPU.

    Raises:
        CheckpointError: if weights are missing, have no place in the model or are of another shape than its config says.
        OSError, ValueError, RuntimeError, SafetensorError: if the files cannot be read, or the attention is unknown.
        ImportError: if the attention implementation is not installed.
    """
    with _without_adapter(parts) as place:
        model, report = AutoModel.from_pretrained(
            place,
            config=parts.config,
            dtype=getattr(torch, dtype),
            attn_implementation=attention,
            key_mapping=name_patterns(parts.family),
            ignore_mismatched_sizes=True,  # they are told below, with all else
            trust_remote_code=False,
            output_loading_info=True,
        )
    surplus = {name for name in report["unexpected_keys"] if not is_head(name)}
    if left_out := sorted(report["unexpected_keys"] - surplus):
        log.info("the head of %s is left out: %s", parts.weights, ", ".join(left_out))
    shapes = {f"{name}, {tuple(found)} instead of {tuple(own)}," for name, found, own in report["mismatched_keys"]}
    if found := what_is_wrong(report["missing_keys"], surplus, shapes):
        expected = "that of its config.json" if surplus or shapes else "complete"
        hint = "Copy it again, config.json and weights of one model; what is missing would be random."
        raise CheckpointError(must_be(f"the checkpoint {parts.weights}", expected, found, hint))
    return model


def what_is_wrong(missing: Collection[str], surplus: Collection[str], shapes: Collection[str] = ()) -> str:
    """Returns in words which weights do not fit; "" if all do."""
    told = (
        ("without {} of its weights, {} first", missing),
        ("with {} weights that the model has no place for, {} first", surplus),
        ("with {} weights of another shape, {} first", shapes),
    )
    return "; ".join(words.format(len(names), min(names)) for words, names in told if names)


@contextlib.contextmanager
def _without_adapter(parts: Parts) -> Iterator[str]:
    """Gives the place of the weights: transformers would put an adapter that lies beside them on by itself and not tell what is missing."""
    if not (parts.has_adapter and parts.weights == parts.path):
        yield parts.weights
        return
    with tempfile.TemporaryDirectory() as links:
        for file in Path(parts.weights).iterdir():
            if not file.name.startswith("adapter_"):
                (Path(links) / file.name).symlink_to(file.resolve())
        yield links
