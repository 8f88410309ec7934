"""Qwen2.5-VL (arXiv 2502.13923): a video's time is measured in seconds, and most layers of its vision tower attend within windows."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import (
    Qwen2_5_VisionPatchEmbed,
    Qwen2_5_VLAttention,
    Qwen2_5_VLDecoderLayer,
    Qwen2_5_VLRMSNorm,
    Qwen2_5_VLVisionAttention,
    Qwen2MLP,
)

from unite.encoder.families.fast_language import LanguageClasses
from unite.encoder.families.fast_vision import VisionClasses
from unite.encoder.families.qwen_vl import QwenVL


class Qwen2_5VL(QwenVL):  # noqa: N801  # its name
    """A second of a video is `tokens_per_second` positions."""

    language_classes: ClassVar[LanguageClasses] = LanguageClasses(Qwen2_5_VLRMSNorm, Qwen2_5_VLAttention, Qwen2_5_VLDecoderLayer, Qwen2MLP)
    vision_classes: ClassVar[VisionClasses] = VisionClasses(Qwen2_5_VisionPatchEmbed, Qwen2_5_VLVisionAttention)

    def runs(self, grids: Tensor, seconds: Tensor, is_video: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the grids as they are, and for video the positions of as many seconds."""
        return grids, torch.where(is_video, seconds * self.config.vision_config.tokens_per_second, 1.0)
