"""Linear layers on a CPU by oneDNN's float32 product.

torch takes oneMKL's there, which on processors of another maker than its own leaves half of their vector units unused: on an AMD EPYC with
AVX-512 a product of oneDNN's is twice as fast, a layer there and back 1.5 times (`benchmarks.linear`). The op is the one that torch's own
compiler puts in the place of `linear` on a CPU.
"""

from __future__ import annotations

from types import MethodType
from typing import Any, cast

import torch
from torch import Tensor, nn


def speed_up_linear(model: nn.Module) -> None:
    """Swaps the forward passes of the plain linear layers of a model; adapters that wrap one call it."""
    for module in model.modules():
        if type(module) is nn.Linear:
            module.forward = MethodType(_forward, module)  # type: ignore[method-assign]


def by_onednn(*tensors: Tensor) -> bool:
    """Whether `product` and `linear` serve these: on a CPU, float32, not empty, without autocast."""
    return (
        all(tensor.device.type == "cpu" and tensor.dtype == torch.float32 and tensor.numel() for tensor in tensors)
        and not torch.is_autocast_enabled("cpu")
        and _is_built_in()
    )


def product(rows: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Returns (N, O), rows (N, I) times the transposed weight (O, I), plus the bias (O,). Without a graph."""
    return cast(Tensor, torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], ""))


def linear(states: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Returns (..., O), as `torch.nn.functional.linear` of states (..., I)."""
    return cast(Tensor, _Linear.apply(states, weight, bias))  # type: ignore[no-untyped-call]


def product_over_rows(left: Tensor, right: Tensor) -> Tensor:
    """Returns (O, I), the transposed left (N, O) times the right (N, I). Without a graph."""
    # The op copies its transposed first operand: the narrower one.
    return product(left.t(), right.t()) if left.shape[1] <= right.shape[1] else product(right.t(), left.t()).t()


def _is_built_in() -> bool:
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def _forward(self: Any, input: Tensor) -> Tensor:  # as torch calls it
    if by_onednn(input, self.weight):
        return linear(input, self.weight, self.bias)
    return nn.functional.linear(input, self.weight, self.bias)


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(states, weight)
        return product(states.reshape(-1, states.shape[-1]), weight, bias).view(*states.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        states, weight = ctx.saved_tensors
        rows, of_out = states.reshape(-1, states.shape[-1]), gradient.reshape(-1, gradient.shape[-1])
        of_states = product(of_out, weight.t()).view_as(states) if ctx.needs_input_grad[0] else None
        of_weight = product_over_rows(of_out, rows) if ctx.needs_input_grad[1] else None
        return of_states, of_weight, of_out.sum(0) if ctx.needs_input_grad[2] else None
