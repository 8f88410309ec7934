"""Low-rank adapters of linear layers, faster and the same: x W^T + b + s (x A^T) B^T (Hu et al. 2021, arXiv 2106.09685, equation 3).

peft adds an adapter to its layer by operations of their own, each a pass over all states: under autocast it widens them to the adapter's
float32 and narrows them again, scales what the adapter gives, and adds it. Here the products add up within themselves, both ways, and the
scale is that of the narrow states between A and B.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from types import MethodType
from typing import Any, cast

import torch
from peft.tuners.lora import Linear
from torch import Tensor, nn

from unite.encoder.families.linear import mixed_dtype, product_over_rows
from unite.onednn import by_onednn, product, sum_with_product


def speed_up_lora(model: nn.Module) -> None:
    """Swaps the forward passes of peft's plain adapters on plain linear layers; what they do not serve goes peft's way."""
    for module in model.modules():
        if type(module) is Linear and type(module.base_layer) is nn.Linear:
            module.forward = MethodType(_forward, module)  # type: ignore[method-assign]


def _forward(self: Any, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:  # as peft calls it
    names, layer = [name for name in self.active_adapters if name in self.lora_A], self.base_layer
    is_plain = len(names) == 1 and not (self.disable_adapters or self.merged or self.lora_variant or self.lora_bias[names[0]])
    if args or kwargs or not x.numel() or not is_plain or any(own.requires_grad for own in layer.parameters()):
        return Linear.forward(self, x, *args, **kwargs)
    (name,) = names
    narrowing, widening = self.lora_A[name].weight, self.lora_B[name].weight
    dtype = mixed_dtype(x) or (x.dtype if x.dtype == layer.weight.dtype == narrowing.dtype else None)
    if dtype is None:
        return Linear.forward(self, x)
    dropped = self.lora_dropout[name](x)
    given = (x, None if dropped is x else dropped, layer.weight, layer.bias, narrowing, widening, self.scaling[name], dtype)
    return cast(Tensor, _Adapted.apply(*given))  # type: ignore[no-untyped-call]


class _Adapted(torch.autograd.Function):
    """Of states (..., I), those that the adapter is given if some were dropped, W (O, I), b (O,), A (r, I) and B (O, r).

    Weights of another dtype are cast both ways and not kept.
    """

    @staticmethod
    def forward(
        ctx: Any,
        states: Tensor,
        dropped: Tensor | None,
        weight: Tensor,
        bias: Tensor | None,
        narrowing: Tensor,
        widening: Tensor,
        scale: float,
        dtype: torch.dtype,
    ) -> Tensor:
        rows = _rows(states).to(dtype)
        taken = rows if dropped is None else _rows(dropped).to(dtype)
        with _without_autocast(states):
            narrow = _product(taken, narrowing.to(dtype)) * scale
            out = _product(rows, weight.to(dtype), None if bias is None else bias.to(dtype))
            out = _sum(out, narrow, widening.to(dtype))
        ctx.save_for_backward(taken, weight, narrowing, widening, narrow)
        ctx.shape, ctx.dtype, ctx.scale = states.shape, states.dtype, scale
        return out.view(*states.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        taken, weight, narrowing, widening, narrow = ctx.saved_tensors
        of_out, needed, dtype = _rows(gradient), ctx.needs_input_grad, taken.dtype
        of_states = of_dropped = None
        with _without_autocast(gradient):
            of_narrow = _product(of_out, widening.to(dtype).t()) * ctx.scale
            if needed[0]:
                of_states = _product(of_out, weight.to(dtype).t())
            if needed[1]:
                of_dropped = _product(of_narrow, narrowing.to(dtype).t())
            elif needed[0]:
                of_states = _sum(cast(Tensor, of_states), of_narrow, narrowing.to(dtype).t())
            of_narrowing, of_widening = _product_over_rows(of_narrow, taken), _product_over_rows(of_out, narrow)
        of_inputs = (None if each is None else each.view(ctx.shape).to(ctx.dtype) for each in (of_states, of_dropped))
        return *of_inputs, None, None, of_narrowing.to(narrowing.dtype), of_widening.to(widening.dtype), None, None


def _without_autocast(states: Tensor) -> AbstractContextManager[Any]:
    device = states.device.type
    return torch.autocast(device, enabled=False) if torch.amp.is_autocast_available(device) else nullcontext()


def _rows(states: Tensor) -> Tensor:
    return states.reshape(-1, states.shape[-1])


def _product(rows: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return product(rows, weight, bias) if by_onednn(rows, weight) else torch.nn.functional.linear(rows, weight, bias)


def _sum(summand: Tensor, rows: Tensor, weight: Tensor) -> Tensor:
    if by_onednn(rows, weight):
        return sum_with_product(summand, rows, weight)
    return torch.addmm(summand, rows, weight.t(), out=summand)  # not `addmm_`, which torch's counter of operations does not know


def _product_over_rows(left: Tensor, right: Tensor) -> Tensor:
    return product_over_rows(left, right) if by_onednn(left, right) else left.t() @ right
