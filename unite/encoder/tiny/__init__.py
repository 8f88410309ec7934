"""The built-in encoders: the architecture of a real backbone at toy width, random weights, a small tokenizer of their own.

They lie on disk as real checkpoints do and are loaded through the same path, so that what works with them works with the real one.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from unite.config.schema.encoder import TinyCheckpointConfig
from unite.encoder.checkpoint import quiet_transformers
from unite.encoder.tiny.tokenizer import train_tokenizer
from unite.files import whole_folder
from unite.types import fingerprint

log = logging.getLogger(__name__)

#: Part of the folder's name: raise it when this package makes something else of the same arguments.
_FORMAT = 3


def build_tiny_checkpoint(config: TinyCheckpointConfig, root: str | Path, corpus: Iterable[str]) -> Path:
    """Builds the checkpoint, unless the same one is there, and returns its folder, `<root>/tiny-<hash of the arguments>`.

    The same arguments give the same files. The folder gets its name only when it is whole.

    Args:
        config: architecture, sizes and seed.
        root: where it is put.
        corpus: texts that the tokenizer is trained on; the prompt's own words are added.

    Raises:
        ConfigError: if the vocabulary is too small for every byte and the special tokens.
    """
    texts, sizes = list(corpus), asdict(config)
    folder = Path(root) / f"tiny-{fingerprint(str((_FORMAT, sorted(sizes.items()))), *texts):016x}"
    if (folder / "config.json").is_file():
        return folder
    architecture = importlib.import_module(f"{__name__}.{config.architecture}")
    tokenizer = train_tokenizer(texts, config.vocab_size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = architecture.build_model(config, tokenizer)
    with whole_folder(folder, existing="keep") as partial, quiet_transformers():
        model.save_pretrained(partial)
        architecture.build_processor(tokenizer).save_pretrained(partial)
    log.info("built the tiny encoder, %.2fM parameters, in %s", model.num_parameters() / 1e6, folder)
    return folder


def tiny_config(config: TinyCheckpointConfig) -> Any:
    """Returns transformers' config of such an encoder, with the largest vocabulary it may have; nothing is built."""
    made = importlib.import_module(f"{__name__}.{config.architecture}").build_config(config, train_tokenizer([], config.vocab_size))
    made.get_text_config().vocab_size = config.vocab_size
    return made
