"""Operations as on a GPU, on the meta device: autocast's types, attention that keeps no scores, products of experts; and their count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from unite.encoder.families.linear import products_in


@contextmanager
def as_on_a_gpu(dtype: torch.dtype) -> Iterator[None]:
    """Has products in the type of autocast, which the meta device does not know, and attention by a GPU's kernels.

    Torch would write out all scores there, and keep them.
    """
    plain = nn.functional.linear, nn.functional.scaled_dot_product_attention
    copies: dict[nn.Parameter, Tensor] = {}  # of what is trained, with a graph; as autocast's, made once, and counted among the weights

    def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:  # as torch calls it
        narrow = copies.get(weight) if torch.is_grad_enabled() and isinstance(weight, nn.Parameter) else None
        if narrow is None:
            narrow = weight.to(dtype)
            if torch.is_grad_enabled() and isinstance(weight, nn.Parameter) and weight.requires_grad:
                copies[weight] = narrow
        return plain[0](input.to(dtype), narrow, None if bias is None else bias.to(dtype))

    grouped = getattr(nn.functional, "grouped_mm", None)  # an older torch has it elsewhere
    nn.functional.linear, nn.functional.scaled_dot_product_attention = linear, _attention

    def products(left: Tensor, right: Tensor, *, offs: Tensor) -> Tensor:  # as transformers calls it; autocast leaves them as they are
        if left.dtype is torch.bfloat16:
            return cast(Tensor, grouped(left, right, offs=offs))  # type: ignore[misc]
        return cast(Tensor, _ProductsOfGroups.apply(left, right, offs, grouped))  # type: ignore[no-untyped-call]

    if grouped is not None:
        nn.functional.grouped_mm = products  # type: ignore[assignment]
    try:
        with products_in(dtype):
            yield
    finally:
        nn.functional.linear, nn.functional.scaled_dot_product_attention = plain
        if grouped is not None:
            nn.functional.grouped_mm = grouped


class _ProductsOfGroups(torch.autograd.Function):
    """The products of experts in another type than bfloat16, the only one that the meta device has them in: what is kept is of that type.

    Rows (N, I) times the matrix of the group that each falls to, (G, I, O).
    """

    @staticmethod
    def forward(ctx: Any, left: Tensor, right: Tensor, offsets: Tensor, grouped: Any) -> Tensor:
        of_left, of_right = ctx.needs_input_grad[:2]  # experts beside an adapter are not trained, and what they are given is not kept
        ctx.save_for_backward(left if of_right else None, right if of_left else None)
        ctx.product = lambda one, other: grouped(one.bfloat16(), other.bfloat16(), offs=offsets).to(one.dtype)
        return cast(Tensor, ctx.product(left, right))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        left, right = ctx.saved_tensors
        (gradient,) = gradients
        return (
            None if right is None else ctx.product(gradient, right.transpose(-2, -1)),
            None if left is None else ctx.product(left.t(), gradient),
            None,
            None,
        )


def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Attention of (n, heads, L, head_dim) as torch's signature has it; dropout is left out."""
    groups = query.shape[1] // key.shape[1]
    key, value = (states[:, :, None].expand(-1, -1, groups, -1, -1).flatten(1, 2) if groups > 1 else states for states in (key, value))
    if attn_mask is None:
        found = torch.ops.aten._scaled_dot_product_flash_attention(query, key, value, 0.0, is_causal, scale=scale)
    else:
        bias = torch.zeros(1, 1, 1, 1, dtype=query.dtype, device=query.device).expand(*query.shape[:3], key.shape[2])
        found = torch.ops.aten._scaled_dot_product_efficient_attention(query, key, value, bias, True, 0.0, is_causal, scale=scale)
    return cast(Tensor, found[0])


def operation_counter() -> FlopCounterMode:
    """Counts, those of a mixture of experts too, which torch's own counter passes over."""
    grouped = getattr(torch.ops.aten, "_grouped_mm", None)
    return FlopCounterMode(display=False, custom_mapping={} if grouped is None else {grouped: _operations_of_groups})


def _operations_of_groups(left: Sequence[int], right: Sequence[int], *args: Any, **kwargs: Any) -> int:
    """Operations of rows (N, I) times the matrix of the group that each falls to, (G, I, O); of its gradient, (I, N) times (N, O)."""
    return 2 * left[0] * left[1] * right[-1]
