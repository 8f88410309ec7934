"""Tiny random checkpoints of every family, saved as real ones are: with a language-model head and a whole processor."""

import torch
from transformers import (
    CLIPImageProcessor,
    FastVlmConfig,
    FastVlmForConditionalGeneration,
    LlavaProcessor,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLMoeConfig,
    Qwen3VLMoeForConditionalGeneration,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
)

from unite.config.schema import TinyCheckpointConfig
from unite.encoder.families import FAMILIES
from unite.encoder.tiny import build_tiny_checkpoint

NOUNS = ["cat", "dog", "star", "moon", "apple", "guitar", "room"]
WORDS = ["a", "the", "red", "blue", "moves", "left", "right", "above", "below", "and", "with", *NOUNS]
CORPUS = [f"{a} {b} {c}" for a in WORDS for b in WORDS[:6] for c in WORDS[3:9]]


def tiny(folder):
    sizes = TinyCheckpointConfig(hidden_size=32, num_layers=2, vision_hidden_size=32, vision_num_layers=1, vocab_size=300)
    return build_tiny_checkpoint(sizes, folder, CORPUS)


#: Those that see video, and whose positions are of grids: what they have in common is tested of each of them.
OF_GRIDS = [name for name in FAMILIES if name != "fast_vlm"]


def save_fast_vlm(folder, tokenizer, language="llama", side=64):
    """Saves a FastVLM of the smallest tower that timm has, for pictures of `side` x `side` pixels, and returns its folder."""
    text = {
        "model_type": language,
        "vocab_size": max(tokenizer.get_vocab().values()) + 1,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "initializer_range": 0.1,
    }
    tower = {"model_type": "timm_wrapper", "architecture": "test_efficientnet", "hidden_size": 256, "num_classes": 0}
    token = tokenizer.convert_tokens_to_ids("<|image_pad|>")
    config = FastVlmConfig(
        text_config=text, vision_config=tower, image_token_index=token, image_seq_length=(side // 32) ** 2, tie_word_embeddings=False
    )
    torch.manual_seed(0)
    target = folder / "fast_vlm"
    FastVlmForConditionalGeneration(config).save_pretrained(target)
    sizes = {"size": {"height": side, "width": side}, "do_center_crop": False, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    processor = LlavaProcessor(
        CLIPImageProcessor(**sizes),
        tokenizer,
        patch_size=32,
        vision_feature_select_strategy="full",
        image_token="<|image_pad|>",
        chat_template="{{ messages }}",
    )
    processor.save_pretrained(target)
    return target


def save_family(name, folder, tokenizer):
    """Saves a checkpoint of a family and returns its folder."""
    if name == "fast_vlm":
        return save_fast_vlm(folder, tokenizer)
    is_qwen3 = name.startswith("qwen3")
    patch = 16 if is_qwen3 else 14
    ids = {
        f"{kind}_token_id": tokenizer.convert_tokens_to_ids(f"<|{token}|>")
        for kind, token in {"image": "image_pad", "video": "video_pad", "vision_start": "vision_start", "vision_end": "vision_end"}.items()
    }
    text = {
        "vocab_size": max(tokenizer.get_vocab().values()) + 1,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 16,
        "initializer_range": 0.1,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [4, 2, 2]},
    }
    vision = {"depth": 3, "num_heads": 2, "patch_size": patch, "spatial_merge_size": 2, "temporal_patch_size": 2, "initializer_range": 0.1}
    if name == "qwen2_vl":
        vision |= {"embed_dim": 32, "hidden_size": 32, "mlp_ratio": 2}
        config, model, processor = Qwen2VLConfig, Qwen2VLForConditionalGeneration, Qwen2VLProcessor
    elif name == "qwen2_5_vl":
        vision |= {"hidden_size": 32, "intermediate_size": 48, "out_hidden_size": 32, "window_size": 56, "fullatt_block_indexes": [1]}
        config, model, processor = Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor
    elif name in ("qwen3_vl", "qwen3_vl_moe"):
        vision |= {
            "hidden_size": 32,
            "intermediate_size": 48,
            "out_hidden_size": 32,
            "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0, 1],
        }
        config, model, processor = Qwen3VLConfig, Qwen3VLForConditionalGeneration, Qwen3VLProcessor
        if name == "qwen3_vl_moe":
            text |= {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24, "mlp_only_layers": [1]}
            config, model = Qwen3VLMoeConfig, Qwen3VLMoeForConditionalGeneration
    else:
        raise KeyError(f"say here how a tiny checkpoint of {name} is made: every registered family is tested")
    torch.manual_seed(0)
    built = model(config(text_config=text, vision_config=vision, tie_word_embeddings=False, **ids))
    target = folder / name
    built.save_pretrained(target)
    sizes = {"patch_size": patch, "merge_size": 2, "temporal_patch_size": 2, "size": {"shortest_edge": 28 * 28, "longest_edge": 112 * 112}}
    if is_qwen3:
        sizes |= {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    video = Qwen3VLVideoProcessor(**sizes) if is_qwen3 else Qwen2VLVideoProcessor(**sizes, cap_pixels_per_frame=False)
    processor(Qwen2VLImageProcessor(**sizes), tokenizer, video, chat_template="{{ messages }}").save_pretrained(target)
    return target
