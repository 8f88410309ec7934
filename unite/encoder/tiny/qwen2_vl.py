"""Qwen2-VL's architecture at toy width. Its positions hardly tell columns apart there: contiguous sections of few frequencies."""

from __future__ import annotations

from typing import Any

from transformers import (
    PreTrainedModel,
    Qwen2Tokenizer,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
)

from unite.config.schema.encoder import TinyCheckpointConfig
from unite.encoder.tiny.shared import language, picture_sizes, token_ids, vision
from unite.encoder.tiny.tokenizer import CHAT_TEMPLATE


def build_config(config: TinyCheckpointConfig, tokenizer: Qwen2Tokenizer) -> Qwen2VLConfig:
    """Returns the model's config."""
    half = config.head_dim // 2
    spatial = 3 * half // 8  # Qwen2-VL's own shares: 16, 24, 24 of 64
    text_config = language(config, tokenizer, [half - 2 * spatial, spatial, spatial])
    vision_config = vision(config) | {"embed_dim": config.vision_hidden_size, "hidden_size": config.hidden_size, "mlp_ratio": 4}
    return Qwen2VLConfig(
        text_config=text_config, vision_config=vision_config, tie_word_embeddings=True, dtype="float32", **token_ids(tokenizer)
    )


def build_model(config: TinyCheckpointConfig, tokenizer: Qwen2Tokenizer) -> PreTrainedModel:
    """Returns the model with random weights."""
    return Qwen2VLForConditionalGeneration(build_config(config, tokenizer))


def build_processor(tokenizer: Qwen2Tokenizer) -> Qwen2VLProcessor:
    """Returns the processor."""
    sizes: dict[str, Any] = picture_sizes()
    image, video = Qwen2VLImageProcessor(**sizes), Qwen2VLVideoProcessor(**sizes, cap_pixels_per_frame=False)
    return Qwen2VLProcessor(image, tokenizer, video, chat_template=CHAT_TEMPLATE)
