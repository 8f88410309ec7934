"""Qwen3-VL with a mixture of experts (30B-A3B, 235B-A22B): as Qwen3-VL but for the MLPs of its language model.

LoRA leaves the experts as they are: each layer's are one tensor, no linear layer. Its adapters are those of attention.
"""

from __future__ import annotations

from typing import ClassVar

from transformers.models.qwen3_vl_moe.modeling_qwen3_vl_moe import (
    Qwen3VLMoeTextAttention,
    Qwen3VLMoeTextDecoderLayer,
    Qwen3VLMoeTextMLP,
    Qwen3VLMoeTextRMSNorm,
    Qwen3VLMoeVisionAttention,
    Qwen3VLMoeVisionPatchEmbed,
)

from unite.encoder.families.fast_language import LanguageClasses
from unite.encoder.families.fast_vision import VisionClasses
from unite.encoder.families.qwen3_vl import Qwen3VL


class Qwen3VLMoe(Qwen3VL):
    """A token passes through a few of many MLPs."""

    language_classes: ClassVar[LanguageClasses] = LanguageClasses(
        Qwen3VLMoeTextRMSNorm, Qwen3VLMoeTextAttention, Qwen3VLMoeTextDecoderLayer, Qwen3VLMoeTextMLP
    )
    vision_classes: ClassVar[VisionClasses] = VisionClasses(Qwen3VLMoeVisionPatchEmbed, Qwen3VLMoeVisionAttention)
