"""The encoder that is trained, with its first weights, and the trained one that is evaluated."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import replace
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any, cast

import torch
from omegaconf import OmegaConf
from transformers import AutoTokenizer

from unite.build.component import build
from unite.build.early_data import own_sources, stages_of
from unite.build.features import trained_tower_faults, with_stored_features
from unite.checkpoints import find_checkpoint
from unite.config.schema import AssembledCheckpointConfig, EmbedConfig, EncoderConfig, EvaluateConfig, TinyCheckpointConfig, TrainConfig
from unite.config.target import assemble
from unite.data.source import SourceDataModule
from unite.encoder.assembled import check_packages
from unite.encoder.checkpoint import read_as_asked, read_as_trained
from unite.encoder.families import family_of
from unite.encoder.families.family import Family
from unite.encoder.folder import parts_of
from unite.encoder.quantised import import_bitsandbytes
from unite.encoder.tiny.tokenizer import split_share
from unite.encoder.trained import check_names
from unite.encoder.vlm import VLMEncoder
from unite.errors import ConfigError, UniteError, must_be, raise_all
from unite.progress import shown, tracked
from unite.types import Modality

log = logging.getLogger(__name__)

#: From this share of words in pieces on, the log warns.
_MANY_IN_PIECES = 0.2


def check_encoder(config: TrainConfig) -> None:
    """Checks the encoder's options, its prompt and names against the checkpoint it starts from, and that it reads what the mixtures hold.

    No weights are read: the checkpoint's config.json tells its family, of a random one the option.

    Raises:
        UniteError: as building it, or reading the first sample, would, once the data are ready.
    """
    start = config.init_from or (config.encoder.path if config.encoder.get("checkpoint") is None else None)
    path = find_checkpoint(start, "encoder.path" if config.init_from is None else "init_from") if start else None
    frozen = [name for _, stage in stages_of(config) for name in stage.frozen]
    name, family = _check_options(config.encoder, path, frozen)
    raise_all([*_kind_faults(config, name, family), *trained_tower_faults(config, family)])


def check_trained_encoder(config: EvaluateConfig | EmbedConfig) -> None:
    """Checks the device, the checkpoint and the encoder's options, before a suite's world is built; no weights are read.

    Raises:
        UniteError: as building it would.
    """
    device_of_name(config.device)
    _check_options(_as_suite_asks(config), find_checkpoint(config.checkpoint))


def _check_options(encoder: EncoderConfig, path: str | None, frozen: Sequence[str] = ()) -> tuple[str, type[Family] | None]:
    """Checks the options of an encoder with the weights of `path`, or with those that are built, and what stages freeze beside them.

    Returns:
        What it is called in messages, and its family; None where a class of the user's own makes the encoder or its weights.
    """
    assemble(OmegaConf.to_container(encoder, resolve=True, enum_to_str=True), "encoder", dry=True)
    options = OmegaConf.to_object(encoder)
    if not isinstance(options, EncoderConfig):
        return "the encoder", None
    if options.quantization is not None:
        import_bitsandbytes()
    if path is not None:
        parts = parts_of(path, base_of(encoder))
        options = replace(options, path=path, frozen=[*options.frozen, *frozen])
        check_names(parts, read_as_asked(read_as_trained(options, parts, is_check=True), is_check=True))
        return path, parts.family
    if isinstance(options.checkpoint, AssembledCheckpointConfig):
        check_packages()
    elif not isinstance(options.checkpoint, TinyCheckpointConfig):
        return "the encoder", None
    kind = "a random" if isinstance(options.checkpoint, TinyCheckpointConfig) else "an assembled"
    model_type = options.checkpoint.model_type
    return f"{kind} {model_type}", family_of(model_type, "encoder.checkpoint")


def _kind_faults(config: TrainConfig, name: str, family: type[Family] | None) -> Iterator[UniteError]:
    """Yields the sources of all stages with a kind of content that the family does not read."""
    if family is None:
        return
    read = reduce(or_, family.modalities, Modality.TEXT)
    for path, stage in stages_of(config):
        for source, options in own_sources(stage.mixture.sources):
            for side in ("query", "positive"):
                if unread := Modality.parse(options[side]) & ~read:
                    expected = f"of what the encoder reads ({', '.join(map(str, read))})"
                    hint = f"{name} reads no {' and no '.join(map(str, unread))}: take another encoder, or leave the source out."
                    yield ConfigError(must_be(f"{path}.sources.{source}.{side}", expected, options[side], hint))


def build_encoder(config: TrainConfig, folder: Path | None) -> VLMEncoder:
    """Builds the encoder with the weights of the stage before (`folder`), else of the run `init_from`, else its own, and says which."""
    base = made = None
    if folder is not None:
        path = str(folder)
    elif config.init_from is not None:
        path, base = find_checkpoint(config.init_from, "init_from"), base_of(config.encoder)
    elif config.encoder.checkpoint is not None:
        path, made = str(build_checkpoint(config)), OmegaConf.to_object(config.encoder.checkpoint)
    else:
        path, base = find_checkpoint(config.encoder.path, "encoder.path"), base_of(config.encoder)
    log.info("the encoder's weights come from %s", path)
    with shown("loading the encoder"):
        encoder = cast(VLMEncoder, build(config.encoder, "encoder", path=path, base=base, checkpoint=made))
        return with_stored_features(config.feature_cache, encoder, is_trained=True)


def base_of(encoder: EncoderConfig) -> str | None:
    """Returns what `encoder.base` names for an adapter to be put on; None where the adapter's own base is meant."""
    return None if encoder.base is None else find_checkpoint(encoder.base, "encoder.base")


def build_checkpoint(config: TrainConfig) -> Path:
    """Builds the encoder's checkpoint if it is not there yet; the tokenizer of a tiny one is trained on the texts of the mixtures."""
    if isinstance(OmegaConf.to_object(config.encoder.checkpoint), AssembledCheckpointConfig):
        with shown("putting the encoder together"):
            return Path(build(config.encoder.checkpoint, "encoder.checkpoint", root=config.data_root))
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


def build_trained_encoder(config: EvaluateConfig | EmbedConfig) -> VLMEncoder:
    """Builds the encoder of a run folder, of an exported encoder's folder, or of a hub name, on the device asked for."""
    device = device_of_name(config.device)
    path, base = find_checkpoint(config.checkpoint), base_of(config.encoder)
    with shown("loading the encoder"):
        encoder: VLMEncoder = build(_as_suite_asks(config), "encoder", path=path, base=base, checkpoint=None)
        kept = getattr(config, "feature_cache", None)  # of a corpus each medium is seen once
        return (encoder if kept is None else with_stored_features(kept, encoder, is_trained=False)).to(device)


def _as_suite_asks(config: EvaluateConfig | EmbedConfig) -> Any:
    """Returns the encoder's options with what the suite has it read otherwise; what `encoder.override` says itself wins."""
    suite = getattr(config, "suite", None)  # of a corpus there is none
    asked = suite.get("reading") if suite is not None else None
    if asked is None or "override" not in config.encoder:  # an encoder of the user's own
        return config.encoder
    given = {name: value for name, value in config.encoder.override.items() if value is not None}
    encoder = copy(config.encoder)
    encoder.override = OmegaConf.merge(asked, given)
    return encoder


def device_of_name(name: str) -> torch.device:
    """Returns the device of that name, for `auto` a GPU if there is one."""
    known, has_gpu = "auto, cpu, cuda, or cuda:<number> of a GPU that this machine has", torch.cuda.is_available()
    try:
        device = torch.device(("cuda" if has_gpu else "cpu") if name == "auto" else name)
    except RuntimeError as error:
        raise ConfigError(must_be("device", known, name)) from error
    if device.type == "cuda" and not (has_gpu and (device.index or 0) < torch.cuda.device_count()):
        raise ConfigError(must_be("device", known, name, f"torch sees {torch.cuda.device_count()} GPUs."))
    return device
