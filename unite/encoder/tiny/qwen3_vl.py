"""Qwen3-VL's architecture at toy width: interleaved rotary positions, learnt ones in the vision tower; no deepstack, which needs depth."""

from __future__ import annotations

from typing import Any

from transformers import (
    PreTrainedModel,
    Qwen2Tokenizer,
    Qwen2VLImageProcessor,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
)

from unite.config.schema.encoder import TinyCheckpointConfig
from unite.encoder.tiny.shared import language, picture_sizes, token_ids, vision
from unite.encoder.tiny.tokenizer import CHAT_TEMPLATE

#: Learnt positions a side: an 84 x 84 picture has 6 x 6 patches; those of other sizes are interpolated.
_SIDE = 6


def build_config(config: TinyCheckpointConfig, tokenizer: Qwen2Tokenizer) -> Qwen3VLConfig:
    """Returns the model's config."""
    axis = config.head_dim // 6  # time, height and width each get low and high frequencies
    text_config = language(config, tokenizer, [config.head_dim // 2 - 2 * axis, axis, axis]) | {"head_dim": config.head_dim}
    vision_config = vision(config) | {
        "hidden_size": config.vision_hidden_size,
        "intermediate_size": 4 * config.vision_hidden_size,
        "out_hidden_size": config.hidden_size,
        "num_position_embeddings": _SIDE**2,
        "deepstack_visual_indexes": [],
    }
    return Qwen3VLConfig(
        text_config=text_config, vision_config=vision_config, tie_word_embeddings=True, dtype="float32", **token_ids(tokenizer)
    )


def build_model(config: TinyCheckpointConfig, tokenizer: Qwen2Tokenizer) -> PreTrainedModel:
    """Returns the model with random weights."""
    return Qwen3VLForConditionalGeneration(build_config(config, tokenizer))


def build_processor(tokenizer: Qwen2Tokenizer) -> Qwen3VLProcessor:
    """Returns the processor."""
    sizes: dict[str, Any] = picture_sizes() | {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    return Qwen3VLProcessor(Qwen2VLImageProcessor(**sizes), tokenizer, Qwen3VLVideoProcessor(**sizes), chat_template=CHAT_TEMPLATE)
