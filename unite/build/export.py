"""What `python -m unite.export` makes: the folder, and what is said about it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from huggingface_hub import HfApi
from omegaconf import OmegaConf

from unite.config.schema import ExportConfig
from unite.errors import UniteError
from unite.export.card import card_files
from unite.export.folder import Exported, write_folder
from unite.export.hub import Hub, push
from unite.export.rounding import Rounding, rounding_of
from unite.export.source import Source, find_source
from unite.progress import shown

log = logging.getLogger(__name__)


def export(config: ExportConfig, hub: Hub | None = None) -> list[str]:
    """Exports, pushes where that is asked for, and returns what to tell.

    Args:
        config: the command's.
        hub: what pushes; the Hugging Face hub by default.

    Raises:
        UniteError: as `write_folder` and `push` do.
    """
    options = cast(ExportConfig, OmegaConf.to_object(config))
    source = find_source(options.run)
    with shown(f"exporting {source.label}"):
        exported = write_folder(source, options.out, dtype=options.dtype, prompts=options.prompts, beside=_card(source, options))
    rounding = None
    if exported.is_rounded:
        with shown(f"trying what rounding to {exported.dtype} does"):
            rounding = rounding_of(source.encoder, exported.folder)
    lines = list(_told(exported, rounding))
    if options.push_to_hub is not None:
        with shown(f"pushing to {options.push_to_hub}"):
            where = push(exported.folder, options.push_to_hub, private=options.private, hub=HfApi() if hub is None else hub)
        lines.append(f"It is at {where} too.")
    return lines


def _card(source: Source, options: ExportConfig) -> dict[str, bytes]:
    """Returns the card of the run that ended with the encoder.

    There is none of another stage's or of an encoder alone, nor of a run whose record is not whole: it is said.
    """
    if source.run is None:
        log.info("%s is not what a run ended with: it has no model card", source.label)
        return {}
    try:
        name, dtype = options.push_to_hub or Path(options.out).resolve().name, str(options.dtype or "")
        return card_files(source.run, name, options.licence or "", dtype)
    except UniteError as error:
        log.warning("no model card is written: %s", error)
        return {}


def _told(exported: Exported, rounding: Rounding | None) -> Iterator[str]:
    size = sum(exported.files.values()) / 1e6
    narrower = [str(dim) for dim in exported.matryoshka_dims if dim != exported.dim]
    dims = f", to be cut to {' or '.join(narrower)} (truncate_dim)" if narrower else ""
    yield f"{exported.folder}: {len(exported.files)} files, {size:,.1f} MB, weights in {exported.dtype}"
    yield f"  embeddings of {exported.dim} numbers{dims}; prompt {exported.prompt}, in the chat template"
    if rounding is not None:
        yield f"  {rounding.told(exported.dtype)}"
    yield from (f"  {name:<36} {count:>14,} bytes" for name, count in exported.files.items())
    if "README.md" in exported.files:
        yield "  README.md is the model card: what it learnt from, what it reaches, where it fails, how it is used"
    yield ""
    yield "    from sentence_transformers import SentenceTransformer"
    yield f"    model = SentenceTransformer({str(exported.folder)!r})"
    yield '    vectors = model.encode(["a red bicycle", {"image": "bicycle.jpg", "text": "make it blue"}])'
