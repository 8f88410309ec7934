"""The architecture that a plan is for: of a checkpoint that is there, of a random one, or of one that everybody knows by name.

No weights are read, and nothing is downloaded.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from transformers import CONFIG_MAPPING

from unite.checkpoints import find_checkpoint
from unite.encoder.families import family_of
from unite.encoder.families.family import Family
from unite.encoder.folder import parts_of
from unite.errors import CheckpointError, must_be

_ROPE = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]}
_QWEN2_VISION = {"depth": 32, "embed_dim": 1280, "num_heads": 16, "mlp_ratio": 4, "patch_size": 14, "spatial_merge_size": 2}
_QWEN2_5_VISION = {"depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16, "patch_size": 14, "window_size": 112}


def _text(hidden: int, layers: int, heads: int, kv_heads: int, intermediate: int, vocabulary: int, **more: Any) -> dict[str, Any]:
    return {
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "intermediate_size": intermediate,
        "vocab_size": vocabulary,
        "rope_parameters": _ROPE,
        **more,
    }


#: Hub name: model type, language model and vision tower, as their published config.json has them.
_KNOWN: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "Qwen/Qwen2-VL-2B-Instruct": ("qwen2_vl", _text(1536, 28, 12, 2, 8960, 151936), _QWEN2_VISION | {"hidden_size": 1536}),
    "Qwen/Qwen2-VL-7B-Instruct": ("qwen2_vl", _text(3584, 28, 28, 4, 18944, 152064), _QWEN2_VISION | {"hidden_size": 3584}),
    "Qwen/Qwen2.5-VL-3B-Instruct": ("qwen2_5_vl", _text(2048, 36, 16, 2, 11008, 151936), _QWEN2_5_VISION | {"out_hidden_size": 2048}),
    "Qwen/Qwen2.5-VL-7B-Instruct": ("qwen2_5_vl", _text(3584, 28, 28, 4, 18944, 152064), _QWEN2_5_VISION | {"out_hidden_size": 3584}),
    "Qwen/Qwen3-VL-2B-Instruct": (
        "qwen3_vl",
        _text(2048, 28, 16, 8, 6144, 151936, head_dim=128, rope_parameters=_ROPE | {"rope_theta": 5e6, "mrope_section": [24, 20, 20]}),
        {
            "depth": 24,
            "hidden_size": 1024,
            "intermediate_size": 4096,
            "num_heads": 16,
            "patch_size": 16,
            "out_hidden_size": 2048,
            "deepstack_visual_indexes": [5, 11, 17],
        },
    ),
}
_KNOWN["friedrichor/Unite-Base-Qwen2-VL-2B"] = _KNOWN["Qwen/Qwen2-VL-2B-Instruct"]


def architecture_of(path: str) -> tuple[Any, Family, str]:
    """Returns transformers' config of a checkpoint, its family, and where the config is from, in words.

    Args:
        path: a run folder, a checkpoint's folder, or a hub name: what of it is on this machine, else what is known of the name.

    Raises:
        CheckpointError: if it is none of these.
    """
    if path in _KNOWN:
        try:
            found = find_checkpoint(path, "encoder.path")
            config = parts_of(found).config
        except CheckpointError:
            model_type, text, vision = _KNOWN[path]
            kind: Any = CONFIG_MAPPING[model_type]
            config = kind(text_config=text, vision_config=vision, tie_word_embeddings=True)
            return config, family_with(config), f"the published shape of {path}, which is not on this machine"
        return config, family_with(config), path
    try:
        config = parts_of(find_checkpoint(path, "encoder.path")).config
    except CheckpointError as error:
        known = must_be("encoder.path", f"a checkpoint on this machine, or one of {', '.join(_KNOWN)}", path)
        raise CheckpointError(f"{known} ({error})") from error
    return config, family_with(config), path


def family_with(config: Any) -> Family:
    """Returns the family of a model that is to be counted: its processor is one that cuts media as the tower takes them.

    Raises:
        CheckpointError: if its tower takes no patches.
    """
    vision = config.vision_config
    if not hasattr(vision, "spatial_merge_size"):
        hint = "Of others it is not known what they take: see by a short run."
        raise CheckpointError(
            must_be("the vision tower of a model to be planned", "one of patches, as the Qwen-VL families'", vision.model_type, hint)
        )
    sizes = SimpleNamespace(
        patch_size=vision.patch_size,
        merge_size=vision.spatial_merge_size,
        temporal_patch_size=vision.temporal_patch_size,
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
    )
    return family_of(config.model_type, "the encoder")(config, SimpleNamespace(image_processor=sizes, video_processor=sizes))
