"""The backbones an encoder can have, one file each.

A new one is a file `<its model type>.py` with a class that is a `Family` (see `family.py`), and a line below. Everything that a backbone
does in its own way is there: how media are read, what its towers are called, positions, faster forward passes. A file is imported when a
checkpoint of it is loaded.
"""

from __future__ import annotations

import importlib
from typing import cast

from unite.encoder.families.family import Family
from unite.errors import CheckpointError, must_be_one_of

#: transformers' model type: the class, in the file of that name.
FAMILIES = {
    "qwen2_vl": "Qwen2VL",
    "qwen2_5_vl": "Qwen2_5VL",
    "qwen3_vl": "Qwen3VL",
}


def family_of(model_type: str, path: str) -> type[Family]:
    """Returns the family of a checkpoint at `path`.

    Raises:
        CheckpointError: if no family is of that model type; it lists those there are.
    """
    if model_type not in FAMILIES:
        raise CheckpointError(must_be_one_of(f"the model type of {path}", FAMILIES, model_type))
    module = importlib.import_module(f"{__name__}.{model_type}")
    return cast(type[Family], getattr(module, FAMILIES[model_type]))
