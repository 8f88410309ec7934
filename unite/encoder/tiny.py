"""The built-in encoder: Qwen2-VL's architecture at toy width, random weights, its own small tokenizer.

It lies on disk as a real checkpoint does and is loaded through the same path, so that what works with it works with Qwen2-VL.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import (
    Qwen2Tokenizer,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
)
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

from unite.config.schema.encoder import TinyCheckpointConfig
from unite.encoder.checkpoint import quiet_transformers
from unite.errors import ConfigError, must_be
from unite.files import whole_folder
from unite.media import KINDS
from unite.types import fingerprint

log = logging.getLogger(__name__)

#: Qwen's, in Qwen's order; they end the vocabulary.
SPECIAL_TOKENS = tuple(
    f"<|{name}|>"
    for name in (
        *("endoftext", "im_start", "im_end", "object_ref_start", "object_ref_end", "box_start", "box_end", "quad_start", "quad_end"),
        *("vision_start", "vision_end", "vision_pad", "image_pad", "video_pad"),
    )
)
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}"
    "{% if part['type'] in ('image', 'video') %}<|vision_start|><|{{ part['type'] }}_pad|><|vision_end|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_MEDIA = tuple(kind.word for kind in KINDS)
#: What the prompt itself says, often enough that it becomes few tokens.
_PROMPT_TEXTS = (
    "system\nYou are a helpful assistant.",
    "user\n",
    "assistant\n",
    *(f"\nSummary above {what} in one word:" for what in ("sentence", *_MEDIA, *(f"sentence and {word}" for word in _MEDIA))),
) * 100
_PATCH, _MERGE, _TIME, _NUM_HEADS = 14, 2, 2, 4
#: Part of the folder's name: raise it when this file makes something else of the same arguments.
_FORMAT = 1


def build_tiny_checkpoint(config: TinyCheckpointConfig, root: str | Path, corpus: Iterable[str]) -> Path:
    """Builds the checkpoint, unless the same one is there, and returns its folder, `<root>/tiny-<hash of the arguments>`.

    The same arguments give the same files. The folder gets its name only when it is whole.

    Args:
        config: sizes and seed.
        root: where it is put.
        corpus: texts that the tokenizer is trained on; the prompt's own words are added.

    Raises:
        ConfigError: if a width does not divide into heads, there is no layer, or the vocabulary is too small for every byte and the special
            tokens.
    """
    for name, factor in (("hidden_size", 2 * _NUM_HEADS), ("vision_hidden_size", 4 * _NUM_HEADS)):
        if getattr(config, name) < 1 or getattr(config, name) % factor:
            raise ConfigError(must_be(f"encoder.checkpoint.{name}", f"a multiple of {factor}", getattr(config, name)))
    for name in ("num_layers", "vision_num_layers"):
        if getattr(config, name) < 1:
            raise ConfigError(must_be(f"encoder.checkpoint.{name}", "at least 1", getattr(config, name)))
    texts = list(corpus)
    sizes = (config.hidden_size, config.num_layers, config.vision_hidden_size, config.vision_num_layers, config.vocab_size, config.seed)
    folder = Path(root) / f"tiny-{fingerprint(str((_FORMAT, *sizes)), *texts):016x}"
    if (folder / "config.json").is_file():
        return folder
    tokenizer = train_tokenizer(texts, config.vocab_size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = Qwen2VLForConditionalGeneration(_model_config(tokenizer, config))
    with whole_folder(folder, existing="keep") as partial, quiet_transformers():
        model.save_pretrained(partial)
        _processor(tokenizer).save_pretrained(partial)
    log.info("built the tiny encoder, %.2fM parameters, in %s", model.num_parameters() / 1e6, folder)
    return folder


def train_tokenizer(corpus: Iterable[str], vocab_size: int) -> Qwen2Tokenizer:
    """Trains a byte-level BPE tokenizer as Qwen's is; the special tokens have the last ids.

    Raises:
        ConfigError: if `vocab_size` is too small for the 256 bytes and the special tokens.
    """
    num_learnt = vocab_size - len(SPECIAL_TOKENS)
    if num_learnt < 256:
        raise ConfigError(must_be("encoder.checkpoint.vocab_size", f"at least {256 + len(SPECIAL_TOKENS)}", vocab_size))
    backend = Tokenizer(models.BPE())
    backend.normalizer = normalizers.NFC()
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=num_learnt, initial_alphabet=alphabet, show_progress=False)
    backend.train_from_iterator([*corpus, *_PROMPT_TEXTS], trainer)
    vocab = backend.get_vocab()
    merges: list[Any] = [tuple(pair) for pair in json.loads(backend.to_str())["model"]["merges"]]
    for token in SPECIAL_TOKENS:  # in the vocabulary itself, so that they keep their ids when the tokenizer is loaded again
        vocab[token] = len(vocab)
    return Qwen2Tokenizer(vocab=vocab, merges=merges, extra_special_tokens=list(SPECIAL_TOKENS), model_max_length=32768)


def _model_config(tokenizer: Qwen2Tokenizer, config: TinyCheckpointConfig) -> Qwen2VLConfig:
    vocab = tokenizer.get_vocab()
    half = config.hidden_size // _NUM_HEADS // 2
    spatial = 3 * half // 8  # Qwen2-VL's own shares: 16, 24, 24 of 64
    return Qwen2VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": config.hidden_size,
            "intermediate_size": 8 * config.hidden_size // 3,
            "num_hidden_layers": config.num_layers,
            "num_attention_heads": _NUM_HEADS,
            "num_key_value_heads": _NUM_HEADS,
            "max_position_embeddings": 32768,
            "initializer_range": 0.08,
            # Pictures of a few cells need high frequencies: at Qwen2-VL's own base, neighbouring rows and columns would look alike.
            "rope_parameters": {"rope_type": "default", "rope_theta": 80.0, "mrope_section": [half - 2 * spatial, spatial, spatial]},
            "bos_token_id": None,
            "eos_token_id": vocab["<|im_end|>"],
            "pad_token_id": None,
        },
        vision_config={
            "depth": config.vision_num_layers,
            "embed_dim": config.vision_hidden_size,
            "hidden_size": config.hidden_size,
            "num_heads": _NUM_HEADS,
            "mlp_ratio": 4,
            "patch_size": _PATCH,
            "spatial_merge_size": _MERGE,
            "temporal_patch_size": _TIME,
            "initializer_range": 0.08,
            "hidden_act": "gelu",  # Qwen2-VL's quick_gelu is three operations on a CPU
        },
        tie_word_embeddings=True,
        dtype="float32",
        image_token_id=vocab["<|image_pad|>"],
        video_token_id=vocab["<|video_pad|>"],
        vision_start_token_id=vocab["<|vision_start|>"],
        vision_end_token_id=vocab["<|vision_end|>"],
    )


def _processor(tokenizer: Qwen2Tokenizer) -> Qwen2VLProcessor:
    """An 84 x 84 image or frame keeps its size: 6 x 6 patches, 9 tokens."""
    side = _PATCH * _MERGE
    sizes: dict[str, Any] = {
        "patch_size": _PATCH,
        "merge_size": _MERGE,
        "temporal_patch_size": _TIME,
        "size": {"shortest_edge": side**2, "longest_edge": 64 * side**2},
    }
    image, video = Qwen2VLImageProcessor(**sizes), Qwen2VLVideoProcessor(**sizes, cap_pixels_per_frame=False)
    return Qwen2VLProcessor(image, tokenizer, video, chat_template=CHAT_TEMPLATE)
