"""An encoder's folder, read and written.

    config.json, *.safetensors     the model, adapters merged; `transformers.AutoModel` loads it
    tokenizer, processor files     `transformers.AutoProcessor` loads them
    unite_encoder.json             how the encoder reads contents: ReadingConfig

A folder gets its name only when it is whole.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModel, AutoProcessor
from transformers.utils import logging as transformers_logging

from unite.config.schema.encoder import EncoderConfig, ReadingConfig
from unite.encoder.families import family_of
from unite.encoder.families.family import Family
from unite.errors import CheckpointError, ConfigError, UniteError, must_be
from unite.files import read_json, whole_folder, write_json
from unite.silenced import silenced

log = logging.getLogger(__name__)

SETTINGS_FILE = "unite_encoder.json"
_READING = tuple(field.name for field in fields(ReadingConfig))
_HINT = (
    "Give a folder with config.json, weights and processor files, or the hub name of a checkpoint that is in the local cache; "
    "with HF_HUB_OFFLINE=0 it is downloaded."
)


def read_as_trained(config: EncoderConfig) -> EncoderConfig:
    """Returns a config that reads contents as the exported encoder's folder at its path says, and says what that changes.

    The config as it is where the path is not such a folder.

    Raises:
        CheckpointError: if what the folder says is not readable.
    """
    file = Path(config.path) / SETTINGS_FILE
    if not file.is_file():
        return config
    try:
        saved = read_json(file)
        trained = replace(config, **{name: saved[name] for name in _READING})
    except (TypeError, KeyError, UniteError) as error:
        raise CheckpointError(f"{file} is not readable ({error!r}). Export the encoder again, or mend the file.") from error
    changed = {name: saved[name] for name in _READING if getattr(trained, name) != getattr(config, name)}
    if changed:
        log.info("%s brings its own settings: %s. Edit the file to change them.", file, changed)
    return trained


def load_checkpoint(path: str, dtype: str, attention: str) -> tuple[Any, Any, Family]:
    """Returns model (without language-model head) and processor of a folder or hub name, by transformers, and their family.

    Raises:
        CheckpointError: if there is no such checkpoint, it is of no known family, or weights are missing from it.
        ConfigError: if the attention implementation is not to be had.
    """
    with quiet_transformers():
        try:
            family = family_of(AutoConfig.from_pretrained(path).model_type, path)
            weights = getattr(torch, dtype)
            model, report = AutoModel.from_pretrained(path, dtype=weights, attn_implementation=attention, output_loading_info=True)
            processor = AutoProcessor.from_pretrained(path)
        except ImportError as error:
            raise ConfigError(must_be("encoder.attention", "one that is installed", attention, f"`sdpa` always is. ({error})")) from error
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            if "attn_implementation" in str(error):  # transformers lists what it knows
                raise ConfigError(must_be("encoder.attention", "one that transformers knows", attention, f"({error})")) from error
            raise CheckpointError(must_be("encoder.path", "a checkpoint", path, f"{_HINT} ({error})")) from error
    if missing := sorted(report["missing_keys"]):
        found = f"without {len(missing)} of its weights, {missing[0]} first"
        raise CheckpointError(must_be(f"the checkpoint {path}", "complete", found, "Copy it again; they would be random."))
    _check_tokenizer(path, processor, model.config, family)
    return model, processor, family(model.config, processor)


def _check_tokenizer(path: str, processor: Any, config: Any, family: type[Family]) -> None:
    """Refuses a folder without the tokenizer's files, of which transformers makes an empty tokenizer, or with those of another model."""
    name, hint = f"the tokenizer of {path}", "Copy the checkpoint's tokenizer.json, or vocab.json and merges.txt, there."
    if processor.tokenizer.vocab_size < 256:  # a byte-level tokenizer knows every byte
        raise CheckpointError(must_be(name, "complete", f"of {processor.tokenizer.vocab_size} tokens", hint))
    for token in family.token_types:
        found, expected = getattr(processor, token), getattr(config, token)
        if found != expected:
            raise CheckpointError(must_be(name, f"that of the weights, with {token} {expected}", found, hint))


def save_checkpoint(folder: Path, model: Any, processor: Any, config: ReadingConfig) -> None:
    """Writes an encoder's folder; one of that name is replaced.

    Raises:
        CheckpointError: if the weights cannot be written; nothing is left of them then.
    """
    with whole_folder(folder, existing="replace") as partial, quiet_transformers():
        try:
            model.save_pretrained(partial)
        except SafetensorError as error:  # a full disk, which is no OSError here
            raise CheckpointError(
                f"the weights cannot be written to {folder} ({error}). Free space there, or choose another place."
            ) from error
        processor.save_pretrained(partial)
        write_json(partial / SETTINGS_FILE, {**{name: getattr(config, name) for name in _READING}, "pooling": "last_token"})


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """No progress bars, and nothing of what `unite.silenced` lists."""
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        with silenced():
            yield
    finally:
        if bars:
            transformers_logging.enable_progress_bar()
