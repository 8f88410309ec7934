"""The rotation of queries and keys by their positions, shared by the vision tower's and the language model's fast paths."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor


def rotate(states: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Returns the states turned by the angles (RoFormer, arXiv 2104.09864, equation 34, with halves for pairs).

    Args:
        states: (..., H, d), one row a head.
        cos, sin: (..., d), the same for all heads; the two halves of each are equal.
    """
    return cast(Tensor, _Rotation.apply(states, *_for_heads(cos, sin, states.shape[-2])))  # type: ignore[no-untyped-call]


class _Rotation(torch.autograd.Function):
    """Three passes over the states each way: the plain expression's own backward pass takes twice as many."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.save_for_backward(cos, sin)
        ctx.dtype = states.dtype
        return torch.addcmul(states * cos, _swap_halves(states), sin)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        cos, sin = ctx.saved_tensors
        # The rotation back.
        return torch.addcmul(gradient * cos, _swap_halves(gradient), sin, value=-1).to(ctx.dtype), None, None


def _swap_halves(states: Tensor) -> Tensor:
    half = states.shape[-1] // 2
    return torch.cat([states[..., half:], states[..., :half]], dim=-1)


def _for_heads(cos: Tensor, sin: Tensor, num_heads: int) -> tuple[Tensor, Tensor]:
    """Returns cosine, and sine with its first half negated, broadcast to (..., H, d).

    Kept with the cosine, which all layers of a pass share. On a CPU they are written out for all heads: a product over rows of one head's
    width takes twice the time.
    """
    kept: dict[str, Any] = cos.__dict__
    if "for_heads" not in kept or kept["for_heads"][0].shape[-2] < num_heads:
        half = sin[..., : sin.shape[-1] // 2]
        both = cos.unsqueeze(-2), torch.cat([-half, half], dim=-1).unsqueeze(-2)
        if cos.device.type == "cpu":
            both = tuple(one.expand(*one.shape[:-2], num_heads, -1).contiguous() for one in both)  # type: ignore[assignment]
        kept["for_heads"] = both
    cos, sin = kept["for_heads"]
    return (cos, sin) if cos.shape[-2] == 1 else (cos[..., :num_heads, :], sin[..., :num_heads, :])
