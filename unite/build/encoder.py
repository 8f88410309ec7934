"""The encoder that is trained, with its first weights, and the trained one that is evaluated."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from omegaconf import OmegaConf
from transformers import AutoTokenizer

from unite.build.component import build
from unite.config.schema import EncoderConfig, EvaluateConfig, TrainConfig
from unite.config.target import assemble
from unite.data.source import SourceDataModule
from unite.encoder.checkpoint import read_as_trained
from unite.encoder.folder import parts_of
from unite.encoder.tiny.tokenizer import split_share
from unite.encoder.vlm import VLMEncoder
from unite.errors import ConfigError, must_be
from unite.progress import shown, tracked
from unite.runs import find_checkpoint

log = logging.getLogger(__name__)

#: From this share of words in pieces on, the log warns.
_MANY_IN_PIECES = 0.2


def check_encoder(config: TrainConfig) -> None:
    """Checks the encoder's options, and its prompt against that of the export it starts from; nothing is loaded.

    Raises:
        UniteError: as building it would, once the data are ready.
    """
    assemble(OmegaConf.to_container(config.encoder, resolve=True, enum_to_str=True), "encoder", dry=True)
    start = config.init_from or (config.encoder.path if config.encoder.get("checkpoint") is None else None)
    options = OmegaConf.to_object(config.encoder)
    if start and isinstance(options, EncoderConfig):  # not a user's own class
        path = find_checkpoint(start, "encoder.path" if config.init_from is None else "init_from")
        read_as_trained(replace(options, path=path), parts_of(path, base_of(config.encoder)), is_check=True)


def build_encoder(config: TrainConfig, folder: Path | None) -> VLMEncoder:
    """Builds the encoder with the weights of the stage before (`folder`), else of the run `init_from`, else its own, and says which."""
    base = None
    if folder is not None:
        path = str(folder)
    elif config.init_from is not None:
        path, base = find_checkpoint(config.init_from, "init_from"), base_of(config.encoder)
    elif config.encoder.checkpoint is not None:
        path = str(build_checkpoint(config))
    else:
        path, base = find_checkpoint(config.encoder.path, "encoder.path"), base_of(config.encoder)
    log.info("the encoder's weights come from %s", path)
    with shown("loading the encoder"):
        return cast(VLMEncoder, build(config.encoder, "encoder", path=path, base=base, checkpoint=None))


def base_of(encoder: EncoderConfig) -> str | None:
    """Returns what `encoder.base` names for an adapter to be put on; None where the adapter's own base is meant."""
    return None if encoder.base is None else find_checkpoint(encoder.base, "encoder.base")


def build_checkpoint(config: TrainConfig) -> Path:
    """Builds the encoder's random checkpoint if it is not there yet, its tokenizer trained on the texts of the mixtures."""
    texts = list(tracked(_texts(config), "reading the texts for the tokenizer", "texts"))
    with shown(f"the random checkpoint and its tokenizer, of {len(texts):,} texts"):
        folder = Path(build(config.encoder.checkpoint, "encoder.checkpoint", root=config.data_root, corpus=texts))
        _tell_words(AutoTokenizer.from_pretrained(folder), texts)
    return folder


def _texts(config: TrainConfig) -> Iterator[str]:
    """Yields the texts of all stages that are trained; those of a world once."""
    seen: set[str] = set()
    for stage in (config.alignment, config.adaptation):
        for name, node in (stage.mixture.sources if stage.max_steps > 0 else {}).items():
            source: SourceDataModule = build(node, f"{stage.name}.mixture.sources.{name}")
            where = str(source.world.folder) if source.world is not None else source.source
            if where not in seen:
                seen.add(where)
                yield from source.texts()


def _tell_words(tokenizer: Any, texts: Sequence[str]) -> None:
    """Says how many words the tokenizer has no token for, aloud when they are many."""
    share = split_share(tokenizer, texts[:: max(1, len(texts) // 5000)])
    hint = "Raise encoder.checkpoint.vocab_size: a word in pieces is longer and harder to learn." if share > _MANY_IN_PIECES else ""
    log.log(
        logging.WARNING if hint else logging.INFO,
        "the tokenizer has %d tokens; %.1f %% of the words of the mixture are written in pieces. %s",
        len(tokenizer),
        100 * share,
        hint,
    )


def build_trained_encoder(config: EvaluateConfig) -> VLMEncoder:
    """Builds the encoder of a run folder, of an exported encoder's folder, or of a hub name, on the device asked for."""
    device = _device(config.device)
    path, base = find_checkpoint(config.checkpoint), base_of(config.encoder)
    with shown("loading the encoder"):
        encoder: VLMEncoder = build(config.encoder, "encoder", path=path, base=base, checkpoint=None)
        return encoder.to(device)


def _device(name: str) -> torch.device:
    """Returns the device of that name, for `auto` a GPU if there is one."""
    known, has_gpu = "auto, cpu, cuda, or cuda:<number> of a GPU that this machine has", torch.cuda.is_available()
    try:
        device = torch.device(("cuda" if has_gpu else "cpu") if name == "auto" else name)
    except RuntimeError as error:
        raise ConfigError(must_be("device", known, name)) from error
    if device.type == "cuda" and not (has_gpu and (device.index or 0) < torch.cuda.device_count()):
        raise ConfigError(must_be("device", known, name, f"torch sees {torch.cuda.device_count()} GPUs."))
    return device
