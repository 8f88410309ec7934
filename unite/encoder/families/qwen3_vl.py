"""Qwen3-VL (arXiv 2511.21631): timestamps between a video's frames, and deepstack, features for the first layers of the language model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from transformers.models.qwen3_vl.modeling_qwen3_vl import (
    Qwen3VLTextAttention,
    Qwen3VLTextDecoderLayer,
    Qwen3VLTextMLP,
    Qwen3VLTextRMSNorm,
    Qwen3VLVisionAttention,
    Qwen3VLVisionPatchEmbed,
)

from unite.encoder.families.fast_language import LanguageClasses
from unite.encoder.families.fast_vision import VisionClasses
from unite.encoder.families.qwen_vl import QwenVL


class Qwen3VL(QwenVL):
    """Each patch in time of a video is a run of its own, after its timestamp."""

    language_classes: ClassVar[LanguageClasses] = LanguageClasses(
        Qwen3VLTextRMSNorm, Qwen3VLTextAttention, Qwen3VLTextDecoderLayer, Qwen3VLTextMLP
    )
    vision_classes: ClassVar[VisionClasses] = VisionClasses(Qwen3VLVisionPatchEmbed, Qwen3VLVisionAttention)

    @property
    def num_deepstack(self) -> int:
        """K, how many deeper layers are given features of their own."""
        return len(self.config.vision_config.deepstack_visual_indexes)

    def deepstack_features(self, seen: Any) -> Sequence[Tensor]:
        """Returns them of what the vision tower returned."""
        return list(seen.deepstack_features)

    def runs(self, grids: Tensor, seconds: Tensor, is_video: Tensor) -> tuple[Tensor, Tensor]:
        """Returns one run for each patch in time of a video; time is written, so positions tell none."""
        count = torch.where(is_video, grids[:, 0], 1)
        grids = torch.cat([torch.where(is_video, 1, grids[:, 0])[:, None], grids[:, 1:]], dim=1).repeat_interleave(count, dim=0)
        return grids, torch.ones(len(grids), device=grids.device)
