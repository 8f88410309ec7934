"""The gated MLP, down(silu(gate(x)) * up(x)) (Shazeer 2020, arXiv 2002.05202), in fewer passes over memory on a CPU."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from unite.encoder.families.linear import product_over_rows
from unite.onednn import by_onednn, product

#: Tokens that go through all of it before the next ones, so that what one operation leaves the next is still in the cache.
_ROWS = 2048
#: The same where nothing is kept for the way back, which leaves room for more.
_ROWS_WITHOUT_GRAPH = 4096


def gated_mlp(self: Any, hidden_states: Tensor) -> Tensor:
    """The forward pass of a module with `gate_proj`, `up_proj` and `down_proj`, whose activation is SiLU.

    Plain weights in float32 on a CPU take the short way; adapters, other types and devices the usual one.

    Args:
        hidden_states: (..., D).
    """
    layers = (self.gate_proj, self.up_proj, self.down_proj)
    if all(type(layer) is nn.Linear and layer.bias is None for layer in layers):
        weights = [layer.weight for layer in layers]
        if by_onednn(hidden_states, *weights):
            if not torch.is_grad_enabled():
                return _without_graph(hidden_states, *weights)
            return cast(Tensor, _GatedMLP.apply(hidden_states, *weights))  # type: ignore[no-untyped-call]
    return cast(Tensor, self.down_proj(nn.functional.silu(self.gate_proj(hidden_states)) * self.up_proj(hidden_states)))


def _without_graph(states: Tensor, gate: Tensor, up: Tensor, down: Tensor) -> Tensor:
    rows = states.reshape(-1, states.shape[-1]).split(_ROWS_WITHOUT_GRAPH)
    out = [product(product(some, gate, activation="swish").mul_(product(some, up)), down) for some in rows]
    return (torch.cat(out) if len(out) > 1 else out[0]).view(*states.shape[:-1], -1)


class _GatedMLP(torch.autograd.Function):
    """Gate and up are one product; of a token only both are kept, (2 H,), for the way back."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, gate: Tensor, up: Tensor, down: Tensor) -> Tensor:
        rows, both = states.reshape(-1, states.shape[-1]), torch.cat([gate, up])
        made, out = [], []
        for some in rows.split(_ROWS):
            made.append(product(some, both))
            gated, raised = made[-1].split(len(gate), dim=1)
            out.append(product(nn.functional.silu(gated).mul_(raised), down))
        ctx.save_for_backward(rows, both, down, *made)
        ctx.shape = states.shape
        return torch.cat(out).view(*states.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None, Tensor | None]:
        rows, both, down, *made = ctx.saved_tensors
        hidden, needed = down.shape[1], ctx.needs_input_grad
        of_rows, of_both, of_down = [], torch.zeros_like(both), torch.zeros_like(down)
        gradients = gradient.reshape(len(rows), -1).split(_ROWS)
        for some, gate_and_up, of_out in zip(rows.split(_ROWS), made, gradients, strict=True):
            gated, raised = gate_and_up.split(hidden, dim=1)
            active, of_product = nn.functional.silu(gated), product(of_out, down.t())
            of_made = torch.empty_like(gate_and_up)
            of_gated, of_raised = of_made.split(hidden, dim=1)
            torch.mul(of_product, active, out=of_raised)
            torch.ops.aten.silu_backward.grad_input(of_product.mul_(raised), gated, grad_input=of_gated)
            of_rows.append(product(of_made, both.t()))
            if needed[3]:
                of_down += product_over_rows(of_out, active.mul_(raised))
            if needed[1] or needed[2]:
                of_both += product_over_rows(of_made, some)
        return (
            torch.cat(of_rows).view(ctx.shape),
            of_both[:hidden] if needed[1] else None,
            of_both[hidden:] if needed[2] else None,
            of_down if needed[3] else None,
        )
