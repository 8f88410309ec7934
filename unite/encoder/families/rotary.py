"""The rotation of queries and keys by their positions, shared by the vision tower's and the language model's fast paths."""

from __future__ import annotations

from typing import Any, TypeAlias, cast

import torch
from torch import Tensor

#: Cosine, and sine with its first half negated, (..., H, d); H is 1 or at least the number of heads.
Angles: TypeAlias = tuple[Tensor, Tensor]


def rotate(states: Tensor, angles: Angles) -> Tensor:
    """Returns the states (..., H, d), one row a head, turned by the angles (RoFormer, arXiv 2104.09864, equation 34, halves for pairs)."""
    cos, sin = angles
    if cos.shape[-2] > 1:
        cos, sin = cos[..., : states.shape[-2], :], sin[..., : states.shape[-2], :]
    if not torch.is_grad_enabled():
        return _rotated(states, cos, sin)
    return cast(Tensor, _Rotation.apply(states, cos, sin))  # type: ignore[no-untyped-call]


def for_heads(cos: Tensor, sin: Tensor, num_heads: int) -> Angles:
    """Returns the angles for up to `num_heads` heads, given cosine and sine (..., d), whose two halves are equal.

    On a CPU they are written out for all heads: a product over rows of one head's width takes twice the time.
    """
    half = sin[..., : sin.shape[-1] // 2]
    cos, sin = cos.unsqueeze(-2), torch.cat([-half, half], dim=-1).unsqueeze(-2)
    if cos.device.type == "cpu":
        cos, sin = (each.expand(*each.shape[:-2], num_heads, -1).contiguous() for each in (cos, sin))
    return cos, sin


class _Rotation(torch.autograd.Function):
    """Three passes over the states each way: the plain expression's own backward pass takes twice as many."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.save_for_backward(cos, sin)
        ctx.dtype = states.dtype
        return _rotated(states, cos, sin)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        cos, sin = ctx.saved_tensors
        # The rotation back.
        return torch.addcmul(gradient * cos, _swap_halves(gradient), sin, value=-1).to(ctx.dtype), None, None


def _rotated(states: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    return (states * cos).addcmul_(_swap_halves(states), sin)


def _swap_halves(states: Tensor) -> Tensor:
    half = states.shape[-1] // 2
    return torch.cat([states[..., half:], states[..., :half]], dim=-1)
