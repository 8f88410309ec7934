"""Root mean square normalisation (Zhang and Sennrich 2019, arXiv 1910.07467, equation 4) with a backward pass of its own."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor


def rms_norm(states: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Returns the states (..., D) divided by the root of their mean square over D, plus `eps`, times the weight (D,), of one dtype."""
    if torch.is_grad_enabled():
        return cast(Tensor, _RMSNorm.apply(states, weight, eps))  # type: ignore[no-untyped-call]
    return (states * _scale(states, eps)).to(states.dtype).mul_(weight)  # in place: no backward pass asks for what lies between


class _RMSNorm(torch.autograd.Function):
    """Half as many passes over the states each way as the plain expression, which is what torch computes on a CPU."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, eps: float) -> Tensor:
        scale = _scale(states, eps)
        unit = (states * scale).to(states.dtype)
        ctx.save_for_backward(unit, scale, weight)
        normalised: Tensor = unit * weight
        return normalised

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor | None, None]:
        unit, scale, weight = ctx.saved_tensors
        along = gradient * unit
        of_weight = along.flatten(0, -2).sum(0) if ctx.needs_input_grad[1] else None
        along = (along @ weight).div_(unit.shape[-1])[..., None]
        return torch.addcmul(gradient * weight, unit, along, value=-1).mul_(scale), of_weight, None


def _scale(states: Tensor, eps: float) -> Tensor:
    mean_square = torch.linalg.vector_norm(states, dim=-1, keepdim=True, dtype=_wide(states)).square_().div_(states.shape[-1])
    return cast(Tensor, mean_square.add_(eps).rsqrt_())


def _wide(states: Tensor) -> torch.dtype:
    """A mean of squares is taken in at least float32."""
    return torch.promote_types(states.dtype, torch.float32)
