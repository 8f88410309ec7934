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
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from torch import nn
from transformers import AutoProcessor
from transformers.utils import logging as transformers_logging

from unite.config.schema.encoder import READING_FILE, EncoderConfig, ReadingConfig
from unite.config.schema.prompt import PromptConfig
from unite.encoder.families.family import Family
from unite.encoder.folder import Parts, file_of, no_checkpoint
from unite.encoder.peft_folder import merge_adapter_folder
from unite.encoder.sentence_reading import in_words, read_as_saved, warn_unused
from unite.encoder.weights import load_weights
from unite.errors import CheckpointError, ConfigError, UniteError, must_be
from unite.files import read_json, whole_folder, write_json
from unite.sentence_modules import sentence_folder
from unite.silenced import silenced

log = logging.getLogger(__name__)

#: Bytes; torch allocates at multiples of it on a CPU.
_ALIGNMENT = 64
#: In an exported folder whose tokenizer has other names for media than its encoder (`unite.export.plain_positions`).
PROCESSOR_FOLDER = "unite_processor"
_READING = tuple(field.name for field in fields(ReadingConfig))


def read_as_trained(config: EncoderConfig, parts: Parts, *, is_check: bool = False) -> EncoderConfig:
    """Returns a config that reads contents as the weights were trained to, and says what that changes.

    How they were an exported encoder's folder says, that of the base where an adapter's has nothing to say; else what sentence-transformers
    saved beside them; else the model type of released weights; else it is the config as it is. UNITE's prompt, which is the default, gives
    way like the rest; another one was asked for.
    With `is_check` what changes is not said: the encoder is not loaded yet.

    Raises:
        CheckpointError: if what the folder says is not readable, or it is a run's and the file that says it is not there; or if another
            prompt was asked for than the encoder was trained with.
    """
    file = next((file for place in parts.places if (file := Path(place) / READING_FILE).is_file()), None)
    if file is None:
        sentence = next((found for place in parts.places if (found := sentence_folder(place))), None)
        return _as_released(config, parts, is_check) if sentence is None else read_as_saved(config, parts, sentence, is_check=is_check)
    try:
        saved = {"min_frame_pixels": 1} | read_json(file)  # earlier exports lack it
        prompt = PromptConfig(**saved.get("prompt", {}))  # exports before there were others lack it: they are UNITE's
        trained = replace(config, **{name: saved[name] for name in _READING if name != "prompt"}, prompt=prompt)
    except (AttributeError, TypeError, KeyError, UniteError) as error:
        raise CheckpointError(f"{file} is not readable ({error!r}). Export the encoder again, or mend the file.") from error
    if config.prompt not in (prompt, PromptConfig()):
        different = [field.name for field in fields(prompt) if getattr(prompt, field.name) != getattr(config.prompt, field.name)]
        asked = config.prompt.name if "name" in different else f"one of that name with another {' and '.join(different)}"
        hint = f"Leave prompt=... out; to embed otherwise than it was trained, edit {file}."
        raise CheckpointError(must_be("the prompt", f"{prompt.name}, which {config.path} was trained with", asked, hint))
    changed = {name: getattr(trained, name) for name in _READING if getattr(trained, name) != getattr(config, name)}
    if changed and not is_check:
        log.info("%s brings its own settings: %s. encoder.override changes sizes and lengths.", file, in_words(changed))
        warn_unused(config, changed)
    return trained


def _as_released(config: EncoderConfig, parts: Parts, is_check: bool) -> EncoderConfig:
    folder = Path(parts.weights)
    if folder.name == "encoder" and (folder.parent / "config.yaml").is_file():
        found, hint = f"without {READING_FILE}", "Copy the run's encoder folder again: how contents are read stands there."
        raise CheckpointError(must_be(f"the exported encoder {folder}", "whole", found, hint))
    if not (is_check or parts.released.reading or config.checkpoint is not None):  # nobody trained random ones
        hint = "What it was trained with, its authors tell: prompt=gme, say, if it is theirs (docs/prompts.md)."
        log.info("%s does not say how it was prompted: its contents are laid out by prompt=%s. %s", parts.path, config.prompt.name, hint)
    changed = {name: value for name, value in parts.released.reading.items() if getattr(config, name) != value}
    if changed and not is_check:
        log.info("%s was trained with settings of its own: %s", parts.weights, in_words(changed))
    return replace(config, **changed)


def read_as_asked(config: EncoderConfig, *, is_check: bool = False) -> EncoderConfig:
    """Returns a config that reads contents as `override` says, and says what that changes, but not with `is_check`.

    Raises:
        ConfigError: if a value is out of its range.
    """
    changed = {name: value for name, value in config.override.asked().items() if value != getattr(config, name)}
    if changed and not is_check:
        told = ", ".join(f"{name}={value} instead of {getattr(config, name)}" for name, value in changed.items())
        log.info("contents are read otherwise than %s says: %s", config.path, told)
    return replace(config, **changed)


#: `encoder.attention` that is none of transformers': its `sdpa`, and contents end to end without padding.
VARLEN = "varlen"


def load_checkpoint(parts: Parts, dtype: str, attention: str) -> tuple[Any, Any, Family]:
    """Returns model (without language-model head, an adapter merged) and processor of a checkpoint, by transformers, and their family.

    Raises:
        CheckpointError: if it is broken, weights are missing or have no place, or tokenizer, processor or adapter are not of the weights.
        ConfigError: if the attention implementation is not to be had.
    """
    with quiet_transformers():
        try:
            processor = AutoProcessor.from_pretrained(_with_processor(parts), trust_remote_code=False)
            _check_tokenizer(parts, processor)
            family = parts.family(parts.config, processor)
            model = load_weights(parts, dtype, "sdpa" if attention == VARLEN else attention)
        except ImportError as error:
            raise ConfigError(must_be("encoder.attention", "one that is installed", attention, f"`sdpa` always is. ({error})")) from error
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            if "attn_implementation" in str(error):  # transformers lists what it knows
                raise ConfigError(must_be("encoder.attention", "varlen or one that transformers knows", attention, f"({error})")) from error
            raise no_checkpoint("the checkpoint", parts.path, error) from error
        if parts.has_adapter:
            model = merge_adapter_folder(model, parts)
    _align(model)
    return model, processor, family


def _align(model: nn.Module) -> None:
    """Moves weights that lie anywhere in a file's mapping to where torch puts new ones, as those of a stage that trains on lie.

    Kernels promise the same bits again only for data aligned alike (Intel's oneMKL, "Getting Reproducible Results"): weights 8 bytes
    beyond a multiple of 16 give a product of one row, of a micro-batch of one content say, other last bits. A run resumed in its second
    stage reads its weights from another file than the undisturbed one did, whose header is of another length.
    """
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.data_ptr() % _ALIGNMENT:
            tensor.data = tensor.data.clone()


def _with_processor(parts: Parts) -> str:
    """Returns where the processor is: an adapter's folder may have its own, or leave it to the base."""
    for place in parts.places:
        own = [
            file_of(place, f"{PROCESSOR_FOLDER}/{name}") for name in ("processor_config.json", "tokenizer.json", "tokenizer_config.json")
        ]
        if own[0] is not None:
            return str(own[0].parent)
    files = ("processor_config.json", "preprocessor_config.json")
    return next((place for place in parts.places if any(file_of(place, file) for file in files)), parts.weights)


def _check_tokenizer(parts: Parts, processor: Any) -> None:
    """Refuses a folder without the tokenizer's files, of which transformers makes an empty tokenizer, or with those of another model."""
    name, hint = f"the tokenizer of {parts.path}", "Copy the checkpoint's tokenizer.json, or vocab.json and merges.txt, there."
    if not hasattr(processor, "image_processor"):  # transformers gives what there is
        found = f"a {type(processor).__name__} alone"
        raise CheckpointError(must_be(f"the processor of {parts.path}", "whole", found, "Copy the checkpoint's processor files there."))
    if processor.tokenizer.vocab_size < 256:  # a byte-level tokenizer knows every byte
        raise CheckpointError(must_be(name, "complete", f"of {processor.tokenizer.vocab_size} tokens", hint))
    for token in parts.family.token_types:
        found, expected = getattr(processor, token), getattr(parts.config, token)
        if found != expected:
            raise CheckpointError(must_be(name, f"that of the weights, with {token} {expected}", found, hint))
    known, num_rows = processor.tokenizer.get_vocab(), parts.config.get_text_config().vocab_size
    if missing := [token for token in parts.family.special_tokens if known.get(token, num_rows) >= num_rows]:
        expected = f"that of the weights, with {', '.join(parts.family.special_tokens)} among its first {num_rows} tokens"
        raise CheckpointError(must_be(name, expected, f"without {', '.join(missing)}", hint))


def save_checkpoint(folder: Path, model: Any, processor: Any, config: ReadingConfig) -> None:
    """Writes an encoder's folder; one of that name is replaced.

    Raises:
        CheckpointError: if the weights cannot be written; nothing is left of them then.
    """
    with whole_folder(folder, existing="replace") as partial:
        write_checkpoint(partial, model, processor, config, named=folder)


def write_checkpoint(
    folder: Path, model: Any, processor: Any, config: ReadingConfig, *, named: Path, weights: dict[str, Any] | None = None
) -> None:
    """Writes an encoder's files into a folder that is to be called `named`.

    Args:
        folder, model, processor, config: what is written, and where.
        named: for the error.
        weights: by their names in the model, to be written under those that its releases have for them; None is all weights, by the model's
            own names, whatever they were.

    Raises:
        CheckpointError: if the weights cannot be written.
    """
    with quiet_transformers():
        try:
            model.save_pretrained(folder, save_original_format=weights is not None, state_dict=weights)
        except SafetensorError as error:  # a full disk, which is no OSError here
            raise CheckpointError(
                f"the weights cannot be written to {named} ({error}). Free space there, or choose another place."
            ) from error
        processor.save_pretrained(folder)
    settings = {name: getattr(config, name) for name in _READING}
    write_json(folder / READING_FILE, settings | {"prompt": asdict(config.prompt), "pooling": "last_token"})


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
