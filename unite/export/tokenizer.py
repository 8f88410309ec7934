"""A tokenizer's files as an exported folder has them.

tokenizer.json           its normaliser first takes out what the chat template puts into control tokens that a user wrote, see
                         `unite.export.chat_template`; it adds nothing to a text's ends but what the prompt asks of it
tokenizer_config.json    no longer texts than the encoder reads, padding at the end; a class that reads tokenizer.json as it stands
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from unite.config.schema.encoder import ReadingConfig
from unite.encoder.chat_prompt import GUARD
from unite.export.plain_positions import named_otherwise, settings_otherwise
from unite.files import read_json, write_json

#: What reads tokenizer.json as it stands, in transformers 4 and 5: Qwen's own class brings a normaliser of its own.
_CLASS = "PreTrainedTokenizerFast"
#: What transformers notes of how a tokenizer was loaded.
_OF_LOADING = ("is_local", "local_files_only", "backend")
_BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}


def write_tokenizer(folder: Path, reading: ReadingConfig, hidden: Collection[str] = ()) -> None:
    """Changes the files of a tokenizer that transformers saved.

    Args:
        folder: where they are.
        reading: how the encoder reads contents.
        hidden: tokens that get other names, see `plain_positions`.
    """
    file = folder / "tokenizer.json"
    tokenizer = read_json(file)
    guard = {"type": "Replace", "pattern": {"String": GUARD}, "content": ""}
    tokenizer["normalizer"] = {"type": "Sequence", "normalizers": [guard, *_in_order(tokenizer.get("normalizer"))]}
    if not reading.prompt.tokenizer_suffix:
        tokenizer["post_processor"] = _BYTES
    tokenizer |= {"truncation": None, "padding": None}
    write_json(file, named_otherwise(tokenizer, list(hidden)) if hidden else tokenizer)
    file = folder / "tokenizer_config.json"
    changes = {"tokenizer_class": _CLASS, "model_max_length": reading.max_length, "padding_side": "right", "truncation_side": "right"}
    kept = {name: value for name, value in read_json(file).items() if name not in _OF_LOADING}
    write_json(file, settings_otherwise(kept | changes, list(hidden)) if hidden else kept | changes)


def _in_order(normalizer: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Returns the steps of a normaliser."""
    if normalizer is None:
        return []
    return list(normalizer["normalizers"]) if normalizer["type"] == "Sequence" else [normalizer]
