"""Low-rank adapters of linear layers, faster and the same: out = x W^T + b + scale (x A^T) B^T (Hu et al. 2021, arXiv 2106.09685, equation 3).

peft adds an adapter to its layer by operations of their own, each a pass over all states: under autocast it widens them to the adapter's
float32 and narrows them again, scales what the adapter gives, and adds it. Here the products add up within themselves, both ways; the scale
is that of the narrow states between A and B. On two CPU cores in bfloat16 a step of `small_real` takes half as long (experiments/performance).
"""

from __future__ import annotations

from types import MethodType
from typing import Any, cast

import torch
from peft.tuners.lora import Linear
from torch import Tensor, nn

from unite.encoder.families.linear import dtype_of_products, product_over_rows
from unite.onednn import by_onednn, product, sum_with_product


def speed_up_lora(model: nn.Module) -> None:
    """Swaps the forward passes of peft's plain adapters on plain linear layers; what they do not serve goes peft's way."""
    for module in model.modules():
        if type(module) is Linear and type(module.base_layer) is nn.Linear:
            module.forward = MethodType(_forward, module)


def _forward(self: Any, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:  # as peft calls it
    names = [name for name in self.active_adapters if name in self.lora_A]
    if args or kwargs or len(names) != 1 or not x.numel() or self.disable_adapters or self.merged or set(names) & self.lora_variant.keys():
        return cast(Tensor, Linear.forward(self, x, *args, **kwargs))
    (name,), layer = names, self.base_layer
    narrowing, widening = self.lora_A[name].weight, self.lora_B[name].weight
    dtype = dtype_of_products(x)
    is_one_dtype = x.dtype == layer.weight.dtype == narrowing.dtype or torch.is_autocast_enabled(x.device.type)
    if self.lora_bias[name] or layer.weight.requires_grad or not is_one_dtype:
        return cast(Tensor, Linear.forward(self, x))
    dropped = self.lora_dropout[name](x)
    given = (x, None if dropped is x else dropped, layer.weight, layer.bias, narrowing, widening, self.scaling[name], dtype)
    return cast(Tensor, _Adapted.apply(*given))  # type: ignore[no-untyped-call]


class _Adapted(torch.autograd.Function):
    """Of states (..., I), those that the adapter is given if some were dropped, W (O, I), b (O,), A (r, I) and B (O, r)."""

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
        ctx.shape, ctx.dtype, ctx.scale = states.shape, states.dtype, scale
        ctx.of_adapter = narrowing.dtype
        rows, weight, narrowing, widening = (each.to(dtype) for each in (_rows(states), weight, narrowing, widening))
        taken = rows if dropped is None else _rows(dropped).to(dtype)
        with torch.autocast(states.device.type, enabled=False):
            narrow = _product(taken, narrowing) * scale
            out = _sum(_product(rows, weight, None if bias is None else bias.to(dtype)), narrow, widening)
        ctx.save_for_backward(taken, weight, narrowing, widening, narrow)
        return out.view(*states.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        taken, weight, narrowing, widening, narrow = ctx.saved_tensors
        of_out, needed = _rows(gradient), ctx.needs_input_grad
        of_states = of_dropped = None
        with torch.autocast(gradient.device.type, enabled=False):
            of_narrow = _product(of_out, widening.t()) * ctx.scale
            if needed[0]:
                of_states = _product(of_out, weight.t())
            if needed[1]:
                of_dropped = _product(of_narrow, narrowing.t())
            elif needed[0]:
                of_states = _sum(cast(Tensor, of_states), of_narrow, narrowing.t())
            of_narrowing, of_widening = _product_over_rows(of_narrow, taken), _product_over_rows(of_out, narrow)
        of_inputs = (None if each is None else each.view(ctx.shape).to(ctx.dtype) for each in (of_states, of_dropped))
        return *of_inputs, None, None, of_narrowing.to(ctx.of_adapter), of_widening.to(ctx.of_adapter), None, None


def _rows(states: Tensor) -> Tensor:
    return states.reshape(-1, states.shape[-1])


def _product(rows: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return product(rows, weight, bias) if by_onednn(rows, weight) else nn.functional.linear(rows, weight, bias)


def _sum(summand: Tensor, rows: Tensor, weight: Tensor) -> Tensor:
    return sum_with_product(summand, rows, weight) if by_onednn(rows, weight) else summand.addmm_(rows, weight.t())


def _product_over_rows(left: Tensor, right: Tensor) -> Tensor:
    return product_over_rows(left, right) if by_onednn(left, right) else left.t() @ right
