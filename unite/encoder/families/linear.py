"""Linear layers by the products of `unite.onednn`, forward and backward; on a CPU faster than torch's own (`benchmarks.linear`)."""

from __future__ import annotations

from types import MethodType
from typing import Any, cast

import torch
from torch import Tensor, nn

from unite.onednn import by_onednn, product


def speed_up_linear(model: nn.Module) -> None:
    """Swaps the forward passes of the plain linear layers of a model; adapters that wrap one call it."""
    for module in model.modules():
        if type(module) is nn.Linear:
            module.forward = MethodType(_forward, module)  # type: ignore[method-assign]


def linear(states: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Returns (..., O), as `torch.nn.functional.linear` of states (..., I); by that where oneDNN does not serve them."""
    if by_onednn(states, weight):
        if not torch.is_grad_enabled():  # a Function takes a tenth as long as the product of a small layer
            return _product(states, weight, bias)
        return cast(Tensor, _Linear.apply(states, weight, bias))  # type: ignore[no-untyped-call]
    return nn.functional.linear(states, weight, bias)


def product_over_rows(left: Tensor, right: Tensor) -> Tensor:
    """Returns (O, I), the transposed left (N, O) times the right (N, I). Without a graph."""
    # The op copies its transposed first operand: the narrower one.
    return product(left.t(), right.t()) if left.shape[1] <= right.shape[1] else product(right.t(), left.t()).t()


def _forward(self: Any, input: Tensor) -> Tensor:  # as torch calls it
    return linear(input, self.weight, self.bias)


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(states, weight)
        return _product(states, weight, bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        states, weight = ctx.saved_tensors
        rows, of_out = states.reshape(-1, states.shape[-1]), gradient.reshape(-1, gradient.shape[-1])
        of_states = product(of_out, weight.t()).view_as(states) if ctx.needs_input_grad[0] else None
        of_weight = product_over_rows(of_out, rows) if ctx.needs_input_grad[1] else None
        return of_states, of_weight, of_out.sum(0) if ctx.needs_input_grad[2] else None


def _product(states: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return product(states.reshape(-1, states.shape[-1]), weight, bias).view(*states.shape[:-1], -1)
