"""Linear layers by the products of `unite.onednn`, forward and backward; on a CPU faster than torch's own (`benchmarks.linear`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import MethodType
from typing import Any, cast

import torch
from torch import Tensor, nn

from unite.onednn import by_onednn, product, sum_with_product

#: What `products_in` says.
_mixed: list[torch.dtype | None] = [None]


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


def linears(states: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor | None]) -> list[Tensor]:
    """Returns (..., O) of each weight (O, I) and bias (O,), as `linear` of the same states (..., I); on the way back in fewer passes."""
    if torch.is_grad_enabled() and by_onednn(states, *weights):
        return list(_Linears.apply(states, *weights, *biases))  # type: ignore[no-untyped-call]
    return [linear(states, weight, bias) for weight, bias in zip(weights, biases, strict=True)]


@contextmanager
def products_in(dtype: torch.dtype) -> Iterator[None]:
    """Has products be taken in a dtype as under autocast, on a device that knows none: torch's meta device, for a plan."""
    before, _mixed[0] = _mixed[0], dtype
    try:
        yield
    finally:
        _mixed[0] = before


def mixed_dtype(states: Tensor) -> torch.dtype | None:
    """Returns the dtype in which autocast has products of the states be taken; None without."""
    device = states.device.type
    is_mixed = torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)
    return torch.get_autocast_dtype(device) if is_mixed else _mixed[0]


def dtype_of_products(states: Tensor) -> torch.dtype:
    """Returns the dtype in which products of the states are taken: under autocast, its."""
    return mixed_dtype(states) or states.dtype


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


class _Linears(torch.autograd.Function):
    """Several layers of the same states: their gradients are added within the products, and the states are transposed once."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, *weights_and_biases: Tensor | None) -> tuple[Tensor, ...]:
        number = len(weights_and_biases) // 2
        weights = cast("tuple[Tensor, ...]", weights_and_biases[:number])
        ctx.save_for_backward(states, *weights)
        return tuple(_product(states, *layer) for layer in zip(weights, weights_and_biases[number:], strict=True))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        states, *weights = ctx.saved_tensors
        of_outs = [gradient.reshape(-1, gradient.shape[-1]) for gradient in gradients]
        needed, of_states = ctx.needs_input_grad, None
        if needed[0]:
            for of_out, weight in zip(of_outs, weights, strict=True):
                of_states = product(of_out, weight.t()) if of_states is None else sum_with_product(of_states, of_out, weight.t())
            of_states = cast(Tensor, of_states).view_as(states)
        of_weights: list[Tensor | None] = [None] * len(weights)
        if any(needed[1 : 1 + len(weights)]):
            columns = states.reshape(-1, states.shape[-1]).t().contiguous()
            of_weights = [product(columns, of_out.t()).t() if need else None for of_out, need in zip(of_outs, needed[1:], strict=False)]
        of_biases = [of_out.sum(0) if need else None for of_out, need in zip(of_outs, needed[1 + len(weights) :], strict=True)]
        return of_states, *of_weights, *of_biases


def _product(states: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return product(states.reshape(-1, states.shape[-1]), weight, bias).view(*states.shape[:-1], -1)
