"""What `python -m unite.embed` builds: the encoder of a corpus, loaded when it is wanted, and the options."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from omegaconf import OmegaConf

from unite.build.component import options_of
from unite.build.encoder import build_trained_encoder, device_of_name
from unite.checkpoints import checkpoint_label, find_checkpoint
from unite.config.schema import ColumnsConfig, CorpusOptions, EmbedConfig
from unite.search.corpus.encoder import CorpusEncoder
from unite.types import fingerprint


def build_corpus_encoder(config: EmbedConfig) -> CorpusEncoder:
    """Returns the encoder, which is not loaded yet."""
    path = find_checkpoint(config.checkpoint)
    has_gpu = device_of_name(config.device).type != "cpu"
    return CorpusEncoder(config.checkpoint, checkpoint_label(path), lambda: build_trained_encoder(config), _state(config, path), has_gpu)


def build_corpus_options(config: EmbedConfig) -> tuple[CorpusOptions, ColumnsConfig]:
    """Returns how a corpus is embedded, and which columns of its tables are what."""
    return options_of(CorpusOptions, config), cast(ColumnsConfig, OmegaConf.to_object(cast(Any, config.columns)))


def _state(config: EmbedConfig, path: str) -> str:
    """Returns what tells a checkpoint's files and how they are run from others, without reading them; "" of a hub's."""
    folder = Path(path)
    if not folder.is_dir() or config.encoder.get("base") is not None:
        return ""
    files = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in sorted(folder.iterdir()) if file.is_file()]
    options = OmegaConf.to_container(config.encoder, resolve=True, enum_to_str=True)
    return f"{fingerprint(json.dumps([files, options], sort_keys=True, default=str)):016x}"
