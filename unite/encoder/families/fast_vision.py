"""The vision tower, faster and the same.

transformers attends to one medium after the other, and embeds patches by a 3-D convolution whose kernel is its stride. Here sequences of
equal length attend as one batch, and that convolution is one matrix product, over bytes: normalising them is part of its weights, and of a
patch that repeats its first frame, as an image's does, only that is read. Weights and state dict stay as they are.

Shapes: N patches, n sequences (frames, or windows), D width, C channels, t frames in a patch, p its side.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MethodType
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from unite.encoder.families.attention import attend
from unite.encoder.families.linear import linear, linears
from unite.encoder.families.rotary import for_heads, rotate
from unite.encoder.families.shared import SharedByLayers
from unite.onednn import by_onednn


class VisionClasses(NamedTuple):
    """The classes of a vision tower whose forward pass is swapped; these very ones, no subclass.

    Their attributes must be those of transformers' Qwen-VL towers: a patch embedding has `proj`, a 3-D convolution whose kernel is its
    stride; attention has `qkv`, `proj`, `num_heads`, `scaling`, and is turned by `position_embeddings`.
    """

    patch_embedding: type[nn.Module]
    attention: type[nn.Module]


def speed_up_vision(visual: nn.Module, classes: VisionClasses) -> bool:
    """Swaps the forward passes of a vision tower's attention, for `sdpa`, and of its patch embedding.

    Returns:
        Whether the tower is now to be given patches that `embed_patches` embedded.
    """
    for module in visual.modules():
        if type(module) is classes.attention:
            module.forward = MethodType(_attend, module)
    patch_embedding = visual.get_submodule("patch_embed")
    if type(patch_embedding) is not classes.patch_embedding:
        return False
    patch_embedding.forward = MethodType(_as_it_is, patch_embedding)
    return True


def embed_patches(proj: nn.Conv3d, patches: Tensor, still: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Returns (N, D), what the convolution makes of normalised patches: to be given to a tower that `speed_up_vision` changed.

    Args:
        proj: the patch embedding's.
        patches: (N, C * t * p * p) uint8.
        still: (N,) whether a patch repeats its first frame.
        scale, shift: (C * t * p * p,) which normalise.
    """
    weight = proj.weight.flatten(1)
    if weight.dtype != torch.float32:  # where rounding is coarse it is done as everybody does it
        pixels = torch.addcmul(shift, patches.to(scale.dtype), scale).to(weight.dtype)
        return nn.functional.linear(pixels, weight, proj.bias)
    bias = weight @ shift
    bias = bias if proj.bias is None else bias + proj.bias
    parts = {True: patches[still], False: patches[~still]} if still.any() and not still.all() else {bool(still[0]): patches}
    embedded = [
        linear(_first_frames(some, proj) if is_still else some.float(), _of_bytes(weight * scale, proj, is_still), bias)
        for is_still, some in parts.items()
    ]
    if len(embedded) == 1:
        return embedded[0]
    return torch.cat(embedded)[torch.cat([still.nonzero(), (~still).nonzero()]).squeeze(1).argsort()]


def _first_frames(patches: Tensor, proj: nn.Conv3d) -> Tensor:
    return cast(Tensor, patches.unflatten(1, (proj.in_channels, proj.kernel_size[0], -1))[:, :, 0].float().flatten(1))


def _of_bytes(weight: Tensor, proj: nn.Conv3d, is_still: bool) -> Tensor:
    """Returns the weights of a whole patch, or those of its first frame that stands for all."""
    return cast(Tensor, weight.unflatten(1, (proj.in_channels, proj.kernel_size[0], -1)).sum(2).flatten(1)) if is_still else weight


def _as_it_is(self: Any, hidden_states: Tensor) -> Tensor:
    return hidden_states


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
    query, key, value = (states.unflatten(-1, (self.num_heads, -1)) for states in _projected(self.qkv, hidden_states))
    angles = shared.made_of(position_embeddings[0], lambda: for_heads(*position_embeddings, self.num_heads))
    query, key = (rotate(states.float(), angles).to(states.dtype) for states in (query, key))
    attended = torch.empty_like(query)
    for rows, length in shared.made_of(cu_seqlens, lambda: _by_length(cu_seqlens)):
        if rows is None:
            attended = _attend_equal(query, key, value, length, self.scaling)
        else:
            attended = attended.index_copy(0, rows, _attend_equal(query[rows], key[rows], value[rows], length, self.scaling))
    return cast(Tensor, self.proj(attended.flatten(1)))


def _projected(qkv: nn.Module, hidden_states: Tensor) -> Sequence[Tensor]:
    """Returns queries, keys and values (N, D), each of its own: what they go through takes longer where they lie in between each other."""
    if type(qkv) is not nn.Linear or not by_onednn(hidden_states, qkv.weight):
        return cast(Sequence[Tensor], qkv(hidden_states).chunk(3, -1))
    return linears(hidden_states, qkv.weight.chunk(3), (None,) * 3 if qkv.bias is None else qkv.bias.chunk(3))


def _attend_equal(query: Tensor, key: Tensor, value: Tensor, length: int, scale: float) -> Tensor:
    """Attention within sequences of one length; (N, heads, head_dim) each, and back."""
    query, key, value = (states.unflatten(0, (-1, length)).transpose(1, 2) for states in (query, key, value))
    return attend(query, key, value, scale).transpose(1, 2).flatten(0, 1)


def _by_length(cu_seqlens: Tensor) -> list[tuple[Tensor | None, int]]:
    """Returns the patches (rows) of the sequences of each length, and the length; None for all of them. The device is waited for."""
    lengths = cu_seqlens[1:] - cu_seqlens[:-1]
    different = sorted(set(lengths.tolist()))
    if len(different) == 1:
        return [(None, different[0])]
    of_patch = lengths.repeat_interleave(lengths)
    return [((of_patch == length).nonzero().squeeze(1), length) for length in different]
