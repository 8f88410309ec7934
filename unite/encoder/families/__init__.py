"""The backbones an encoder can have, one file each.

A new one is a file `<its model type>.py` with a class that is a `Family` (see `family.py`), and a line below. Everything that a backbone
does in its own way is there: how media are read, what its towers are called, positions, faster forward passes. A file is imported when a
checkpoint of it is loaded.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from unite.config.schema.encoder import Positions
from unite.encoder.families.family import Family
from unite.errors import CheckpointError, must_be_one_of

#: transformers' model type: the class, in the file of that name.
FAMILIES = {
    "fast_vlm": "FastVLM",
    "qwen2_vl": "Qwen2VL",
    "qwen2_5_vl": "Qwen2_5VL",
    "qwen3_vl": "Qwen3VL",
    "qwen3_vl_moe": "Qwen3VLMoe",
}


@dataclass(frozen=True)
class Released:
    """A model type as checkpoints of it were released.

    Attributes:
        model_type: of the backbone that it is.
        reading: what of `ReadingConfig` its weights were trained with; it wins over the config.
    """

    model_type: str
    reading: Mapping[str, Any] = field(default_factory=dict)


#: Model types that others made of a backbone whose weights and config they keep.
_RELEASED = {
    # UNITE's own (arXiv 2505.19650): its code calls the language model without the multimodal positions.
    "unite_qwen2_vl": Released("qwen2_vl", {"positions": Positions.sequential}),
}


def released_as(model_type: str) -> Released:
    """Returns what a model type stands for: itself, unless others made it of a backbone."""
    return _RELEASED.get(model_type, Released(model_type))


def family_of(model_type: str, path: str) -> type[Family]:
    """Returns the family of a checkpoint at `path`.

    Raises:
        CheckpointError: if no family is of that model type; it lists those there are.
    """
    if model_type not in FAMILIES:
        raise CheckpointError(must_be_one_of(f"the model type of {path}", [*FAMILIES, *_RELEASED], model_type))
    module = importlib.import_module(f"{__name__}.{model_type}")
    return cast(type[Family], getattr(module, FAMILIES[model_type]))
