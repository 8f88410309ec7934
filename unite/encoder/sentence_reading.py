"""How contents are to be read for the weights in a folder that sentence-transformers saved: as it reads them there."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from unite.config.schema.encoder import EncoderConfig, Precision, ReadingConfig
from unite.config.schema.prompt import PromptConfig
from unite.encoder.chat_prompt import prompt_of
from unite.encoder.folder import Parts
from unite.errors import CheckpointError, ConfigError, must_be
from unite.files import read_json
from unite.sentence_modules import SentenceFolder

log = logging.getLogger(__name__)

_TEMPLATE = "chat_template"
#: Of what is rendered with a chat template: what is the tokenizer's affair, or sentence-transformers' own.
_NOT_RENDERED = ("padding", "truncation", "max_length", "return_tensors", "restore_suffix")
#: Tokenizers without a limit say 10^30.
_NO_LIMIT = 10**9
_SIZES = ("size", "min_pixels", "max_pixels")
#: Of how a processor is called: what changes nothing of one content.
_NO_MATTER = {"text": ("padding", "truncation", "max_length", "padding_side"), "common": ("return_tensors", "padding"), "image": _SIZES}


def read_as_saved(config: EncoderConfig, parts: Parts, saved: SentenceFolder, *, is_check: bool) -> EncoderConfig:
    """Returns a config that reads contents as the folder's own library does, and says what that changes; not with `is_check`.

    A prompt that was asked for wins over the folder's chat template: that may be its base model's, and not what it was trained with.

    Raises:
        CheckpointError: if its chat template writes contents as no prompt here can, and no other prompt was asked for.
        DataError: if a file in it cannot be read.
    """
    changes = dict(_changes(parts, saved))
    is_asked = config.prompt != PromptConfig()
    if not is_asked:
        changes |= _prompt(parts, saved)
    read = replace(config, **changes)
    if not is_check:
        other = {name: value for name, value in changes.items() if value != getattr(config, name)}
        told = f": {in_words(other)}" if other else ""
        log.info("%s was saved by sentence-transformers: read as there%s. encoder.override changes sizes and lengths.", parts.path, told)
        warn_unused(config, other)
        if is_asked:
            log.info("its chat template is not used, since prompt=%s was asked for", config.prompt.name)
        for remark in (*saved.remarks, *_not_used(saved)):
            log.warning("%s: %s", parts.path, remark)
    return read


def in_words(settings: Mapping[str, Any]) -> str:
    """Returns settings as a command would give them; a prompt by its name."""
    return ", ".join(f"{name}={getattr(value, 'name', value)}" for name, value in settings.items())


def warn_unused(config: EncoderConfig, names: Iterable[str]) -> None:
    """Says which of the options of these names were given in vain, since the checkpoint brings its own."""
    defaults = ReadingConfig()
    if unused := [f"encoder.{name}={getattr(config, name)}" for name in names if getattr(config, name) != getattr(defaults, name)]:
        log.warning("not used, since the checkpoint brings its own: %s", ", ".join(unused))


def _prompt(parts: Parts, saved: SentenceFolder) -> dict[str, Any]:
    if not saved.reads_messages:
        bare = PromptConfig(name="text", template="{content}", after_instruction="", after_medium="", strip=False, tokenizer_suffix=True)
        return {"prompt": bare}
    template = _chat_template(saved.transformer)
    options = {name: value for name, value in _called(saved, _TEMPLATE).items() if name not in _NOT_RENDERED}
    hint = "Say how it was trained by prompt=<option>, which then takes the place of its chat template (docs/prompts.md)."
    name = f"the chat template of {parts.path}"
    if template is None:
        raise CheckpointError(must_be(name, "there, since its contents are messages", "missing", "Copy chat_template.jinja too."))
    try:
        found = prompt_of(template, options)
    except ConfigError as error:
        raise CheckpointError(must_be(name, "one that can be rendered", f"not: {error}", hint)) from error
    if found is None:
        raise CheckpointError(must_be(name, "one that puts contents between fixed words, or a prompt of conf/prompt", "neither", hint))
    prompt, system = found
    return {"prompt": prompt, "system_prompt": system}


def _chat_template(folder: Path) -> str | None:
    """Returns the template as transformers saves it, today and before."""
    if (folder / "chat_template.jinja").is_file():
        return (folder / "chat_template.jinja").read_text(encoding="utf-8")
    for file in ("chat_template.json", "processor_config.json", "tokenizer_config.json"):
        told = read_json(folder / file).get(_TEMPLATE) if (folder / file).is_file() else None
        if isinstance(told, str):
            return told
    return None


def _changes(parts: Parts, saved: SentenceFolder) -> Iterator[tuple[str, Any]]:
    dtype = read_json(saved.transformer / "config.json").get("dtype") if (saved.transformer / "config.json").is_file() else None
    yield from {"bfloat16": [("dtype", Precision.bfloat16)], "float32": [("dtype", Precision.float32)]}.get(str(dtype), [])
    if str(dtype) == "float16":
        yield "dtype", Precision.float32  # which holds all its values
    tokenizer = saved.transformer / "tokenizer_config.json"
    limits = (
        _called(saved, "text").get("max_length"),
        saved.options.get("max_seq_length"),
        read_json(tokenizer).get("model_max_length") if tokenizer.is_file() else None,
    )
    limit = next((int(one) for one in limits if one is not None), _NO_LIMIT)
    if limit < _NO_LIMIT:
        yield "max_length", limit
    yield from _sizes(saved)


def _sizes(saved: SentenceFolder) -> Iterator[tuple[str, int]]:
    """Yields how many visual tokens an image may have, from the pixels that its processor enlarges and shrinks images to."""
    files = [saved.transformer / name for name in ("processor_config.json", "preprocessor_config.json")]
    processors = [read_json(file) for file in files if file.is_file()]
    images = [one.get("image_processor", one) for one in processors]
    image: Mapping[str, Any] = next((one for one in images if "patch_size" in one), {})
    asked = {**image, **_called(saved, "image")}
    size = asked.get("size") or {}
    side = (int(image.get("patch_size", 0)) * int(image.get("merge_size", 1))) ** 2
    low, high = (asked.get(name) or size.get(edge) for name, edge in (("min_pixels", "shortest_edge"), ("max_pixels", "longest_edge")))
    if side and low and high:
        yield "min_image_tokens", max(-(-int(low) // side), 1)
        yield "max_image_tokens", max(int(high) // side, 1)


def _called(saved: SentenceFolder, kind: str) -> Mapping[str, Any]:
    """Returns what its processor is called with for a kind of content."""
    found = (saved.options.get("processing_kwargs") or {}).get(kind) or {}
    return found if isinstance(found, Mapping) else {}


def _not_used(saved: SentenceFolder) -> Iterator[str]:
    for kind in saved.options.get("processing_kwargs") or {}:
        unused = [name for name in _called(saved, kind) if name not in _NO_MATTER.get(kind, ())]
        if unused and kind not in (_TEMPLATE, "video"):
            yield f"processing_kwargs.{kind} is not used here: {', '.join(unused)}"
