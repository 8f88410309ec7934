"""The vision tower, faster and the same.

transformers attends to one medium after the other, and embeds patches by a 3-D convolution whose kernel is its stride. Here sequences of
equal length attend as one batch, and that convolution is one matrix product. Weights and state dict stay as they are.

Shapes: N patches, n sequences (frames, or windows), D width.
"""

from __future__ import annotations

from types import MethodType
from typing import Any, cast

import torch
from torch import Tensor, nn

from unite.encoder.rotary import rotate


def speed_up_vision(visual: nn.Module) -> None:
    """Swaps the forward passes of a Qwen vision tower's patch embedding and attention, for `sdpa` attention."""
    for module in visual.modules():
        name = type(module).__name__
        if name.endswith("PatchEmbed") and isinstance(getattr(module, "proj", None), nn.Conv3d):
            module.forward = MethodType(_embed_patches, module)
        elif name.endswith("VisionAttention"):
            module.forward = MethodType(_attend, module)


def _embed_patches(self: Any, hidden_states: Tensor) -> Tensor:
    weight = self.proj.weight.flatten(1)
    return nn.functional.linear(hidden_states.to(weight.dtype).view(-1, weight.shape[1]), weight, self.proj.bias)


def _attend(self: Any, hidden_states: Tensor, cu_seqlens: Tensor, position_embeddings: tuple[Tensor, Tensor], **kwargs: Any) -> Tensor:
    """Attention within each sequence.

    Args:
        hidden_states: (N, D), the sequences one after the other.
        cu_seqlens: (n + 1,) where each begins and ends.
        position_embeddings: cos and sin, (N, head_dim).
    """
    query, key, value = self.qkv(hidden_states).unflatten(-1, (3, self.num_heads, -1)).unbind(1)
    query, key = (rotate(states.float(), *position_embeddings).to(states.dtype) for states in (query, key))
    attended = torch.empty_like(query)
    for rows, length in _by_length(cu_seqlens):
        if rows is None:
            attended = _attend_equal(query, key, value, length, self.scaling)
        else:
            attended = attended.index_copy(0, rows, _attend_equal(query[rows], key[rows], value[rows], length, self.scaling))
    return cast(Tensor, self.proj(attended.flatten(1)))


def _attend_equal(query: Tensor, key: Tensor, value: Tensor, length: int, scale: float) -> Tensor:
    """Attention within sequences of one length; (N, heads, head_dim) each, and back."""
    query, key, value = (states.unflatten(0, (-1, length)).transpose(1, 2) for states in (query, key, value))
    attended = nn.functional.scaled_dot_product_attention(query, key, value, scale=scale)
    return attended.transpose(1, 2).flatten(0, 1)


def _by_length(cu_seqlens: Tensor) -> list[tuple[Tensor | None, int]]:
    """Returns the patches (rows) of the sequences of each length, and the length; None for all of them.

    Kept with the tensor, which all blocks of a pass share: to read it is to wait for the device.
    """
    kept: dict[str, Any] = cu_seqlens.__dict__
    if "by_length" not in kept:
        lengths = cu_seqlens[1:] - cu_seqlens[:-1]
        different = sorted(set(lengths.tolist()))
        of_patch = lengths.repeat_interleave(lengths)
        rows = [None] if len(different) == 1 else [(of_patch == length).nonzero().squeeze(1) for length in different]
        kept["by_length"] = list(zip(rows, different, strict=True))
    return cast(list[tuple[Tensor | None, int]], kept["by_length"])
