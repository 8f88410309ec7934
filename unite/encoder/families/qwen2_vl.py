"""Qwen2-VL (arXiv 2409.12191)."""

from __future__ import annotations

from typing import ClassVar

from transformers.models.qwen2_vl.modeling_qwen2_vl import (
    PatchEmbed,
    Qwen2MLP,
    Qwen2VLAttention,
    Qwen2VLDecoderLayer,
    Qwen2VLRMSNorm,
    VisionAttention,
)

from unite.encoder.families.fast_language import LanguageClasses
from unite.encoder.families.fast_vision import VisionClasses
from unite.encoder.families.qwen_vl import QwenVL


class Qwen2VL(QwenVL):
    """A patch in time of a video is one position after the other."""

    language_classes: ClassVar[LanguageClasses] = LanguageClasses(Qwen2VLRMSNorm, Qwen2VLAttention, Qwen2VLDecoderLayer, Qwen2MLP)
    vision_classes: ClassVar[VisionClasses] = VisionClasses(PatchEmbed, VisionAttention)
