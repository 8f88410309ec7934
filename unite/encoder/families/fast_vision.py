"""The vision tower, faster and the same.

transformers attends to one medium after the other, and embeds patches by a 3-D convolution whose kernel is its stride. Here sequences of
equal length attend as one batch, and that convolution is one matrix product. Weights and state dict stay as they are.

Shapes: N patches, n sequences (frames, or windows), D width.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from unite.encoder.families.rotary import for_heads, rotate
from unite.encoder.families.shared import SharedByLayers


class VisionClasses(NamedTuple):
    """The classes of a vision tower whose forward pass is swapped; these very ones, no subclass.

    Their attributes must be those of transformers' Qwen-VL towers: a patch embedding has `proj`, a 3-D convolution whose kernel is its
    stride; attention has `qkv`, `proj`, `num_heads`, `scaling`, and is turned by `position_embeddings`.
    """

    patch_embedding: type[nn.Module]
    attention: type[nn.Module]


def speed_up_vision(visual: nn.Module, classes: VisionClasses) -> None:
    """Swaps the forward passes of a vision tower's patch embedding and attention, for `sdpa` attention."""
    passes: dict[type, Callable[..., Any]] = {classes.patch_embedding: _embed_patches, classes.attention: _attend}
    for module in visual.modules():
        if type(module) in passes:
            module.forward = MethodType(passes[type(module)], module)


def _embed_patches(self: Any, hidden_states: Tensor) -> Tensor:
    weight = self.proj.weight.flatten(1)
    return nn.functional.linear(hidden_states.to(weight.dtype).view(-1, weight.shape[1]), weight, self.proj.bias)


def _attend(
    self: Any,
    hidden_states: Tensor,
    cu_seqlens: Tensor,
    position_embeddings: tuple[Tensor, Tensor],
    shared: SharedByLayers | None = None,
    **kwargs: Any,
) -> Tensor:
    """Attention within each sequence.

    Args:
        hidden_states: (N, D), the sequences one after the other.
        cu_seqlens: (n + 1,) where each begins and ends.
        position_embeddings: cos and sin, (N, head_dim).
        shared: of this pass.
    """
    shared = shared or SharedByLayers()
    query, key, value = self.qkv(hidden_states).unflatten(-1, (3, self.num_heads, -1)).unbind(1)
    angles = shared.made_of(position_embeddings[0], lambda: for_heads(*position_embeddings, self.num_heads))
    query, key = (rotate(states.float(), angles).to(states.dtype) for states in (query, key))
    attended = torch.empty_like(query)
    for rows, length in shared.made_of(cu_seqlens, lambda: _by_length(cu_seqlens)):
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
    """Returns the patches (rows) of the sequences of each length, and the length; None for all of them. The device is waited for."""
    lengths = cu_seqlens[1:] - cu_seqlens[:-1]
    different = sorted(set(lengths.tolist()))
    if len(different) == 1:
        return [(None, different[0])]
    of_patch = lengths.repeat_interleave(lengths)
    return [((of_patch == length).nonzero().squeeze(1), length) for length in different]
