"""What the tiny encoders have in common: the language model, the vision tower's sizes, how pictures are cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from transformers import Qwen2Tokenizer

from unite.config.schema.encoder import TinyCheckpointConfig

_PATCH, _MERGE, _TIME = 14, 2, 2


def language(config: TinyCheckpointConfig, tokenizer: Qwen2Tokenizer, sections: Sequence[int]) -> dict[str, Any]:
    """Returns the language model's config; `sections`: how many frequencies turn with time, height and width."""
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": config.hidden_size,
        "intermediate_size": 8 * config.hidden_size // 3,
        "num_hidden_layers": config.num_layers,
        "num_attention_heads": config.num_heads,
        "num_key_value_heads": config.num_heads,
        "max_position_embeddings": 32768,
        "initializer_range": 0.08,
        # Pictures of a few cells need high frequencies: at Qwen's own base, neighbouring rows and columns would look alike.
        "rope_parameters": {"rope_type": "default", "rope_theta": 80.0, "mrope_section": list(sections)},
        "bos_token_id": None,
        "eos_token_id": tokenizer.convert_tokens_to_ids("<|im_end|>"),
        "pad_token_id": None,
    }


def vision(config: TinyCheckpointConfig) -> dict[str, Any]:
    """Returns of the vision tower's config what all have."""
    return {
        "depth": config.vision_num_layers,
        "num_heads": config.num_heads,
        "patch_size": _PATCH,
        "spatial_merge_size": _MERGE,
        "temporal_patch_size": _TIME,
        "initializer_range": 0.08,
        "hidden_act": "gelu",  # others are several operations on a CPU
    }


def picture_sizes() -> dict[str, Any]:
    """Returns the sizes of the processors: an 84 x 84 image or frame keeps its size, 6 x 6 patches, 9 tokens."""
    side = _PATCH * _MERGE
    size = {"shortest_edge": side**2, "longest_edge": 64 * side**2}
    return {"patch_size": _PATCH, "merge_size": _MERGE, "temporal_patch_size": _TIME, "size": size}


def token_ids(tokenizer: Qwen2Tokenizer) -> dict[str, Any]:
    """Returns the ids that a model's config names."""
    tokens = {"image": "image_pad", "video": "video_pad", "vision_start": "vision_start", "vision_end": "vision_end"}
    return {f"{name}_token_id": tokenizer.convert_tokens_to_ids(f"<|{token}|>") for name, token in tokens.items()}
