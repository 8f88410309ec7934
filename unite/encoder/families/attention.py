"""Attention within contents: torch's own, but for short contents in bfloat16 on a CPU, where a gradient is asked, plain products.

There torch's kernel has no products of that type, and its backward pass is slow: forward and backward take 1.5 to 4.3 times as long as the
products do with contents of 16 and 64 tokens, 0.9 to 1.9 times with 128, less with longer ones (2,048 tokens in all, a processor with
AVX512_BF16). Forward alone, and in float32, the two are alike.

Contents of any length end to end, without padding, are torch's `varlen_attn` on a GPU.

Shapes: n contents, H heads, K heads of keys (H is a multiple), L queries, M keys, d width of a head, T tokens of all contents.
"""

from __future__ import annotations

import inspect
from itertools import pairwise
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from unite.encoder.families.linear import dtype_of_products
from unite.errors import ConfigError, must_be

#: Contents of more keys are left to torch, which never has all scores at once; 0 leaves it all of them, as a GPU does.
MOST_KEYS = 96


def attend(query: Tensor, key: Tensor, value: Tensor, scale: float, mask: Tensor | None = None, dropout: float = 0.0) -> Tensor:
    """Returns (n, H, L, d) for queries (n, H, L, d), keys and values (n, K, M, d).

    Args:
        query: what is asked.
        key: what it is compared with.
        value: what is taken.
        scale: that a score, the product of a query and a key, is multiplied by.
        mask: bool, broadcast to (n, 1, L, M): which keys a query sees; None is all of them.
        dropout: of the weights.
    """
    return _attend(query, key, value, scale, mask, dropout, is_causal=False)


def attend_causally(query: Tensor, key: Tensor, value: Tensor, scale: float, dropout: float = 0.0) -> Tensor:
    """As `attend`, where a query sees no key behind its own place; L = M."""
    return _attend(query, key, value, scale, None, dropout, is_causal=True)


def _attend(query: Tensor, key: Tensor, value: Tensor, scale: float, mask: Tensor | None, dropout: float, is_causal: bool) -> Tensor:
    dtype = dtype_of_products(query)
    has_gradient = torch.is_grad_enabled() and (query.requires_grad or key.requires_grad or value.requires_grad)
    if query.device.type != "cpu" or dtype != torch.bfloat16 or dropout or not has_gradient or key.shape[2] > MOST_KEYS:
        is_grouped = query.shape[1] != key.shape[1]
        return nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, dropout_p=dropout, is_causal=is_causal, scale=scale, enable_gqa=is_grouped
        )
    if is_causal:
        mask = torch.ones(query.shape[2], key.shape[2], dtype=torch.bool).tril()
    with torch.autocast("cpu", enabled=False):  # it would round the scores
        return _by_products(query.to(dtype), key.to(dtype), value.to(dtype), scale, mask)


class Starts(NamedTuple):
    """Where contents lie in a row of tokens.

    Attributes:
        places: (n + 1,) int32, where each begins, and where the last one ends.
        longest: tokens of the longest.
    """

    places: Tensor
    longest: int


def is_within_possible(states: Tensor) -> bool:
    """Returns whether `attend_within` can: on a GPU torch's kernel is of 16 bits alone."""
    return states.device.type == "cpu" or dtype_of_products(states) in (torch.bfloat16, torch.float16)


def attend_within(query: Tensor, key: Tensor, value: Tensor, scale: float, asked: Starts, known: Starts) -> Tensor:
    """Returns (T, H, d): each content's queries (T, H, d) see its own keys and values (T', K, d), no key behind their place from the end.

    So a content's last query may stand alone. On a CPU it goes from content to content, which takes long.

    Args:
        query, key, value: of all contents, end to end; see `is_within_possible`.
        scale: as of `attend`.
        asked: where contents lie among the queries.
        known: where they lie among the keys.

    Raises:
        ConfigError: on a GPU with a torch that has no such attention.
    """
    if query.device.type == "cpu":
        spans = zip(*(one.places.tolist() for one in (asked, known)), strict=True)
        return torch.cat([_alone(query[a:b], key[c:d], value[c:d], scale) for (a, c), (b, d) in pairwise(spans)])
    query, key, value = (states.to(dtype_of_products(states)) for states in (query, key, value))
    varlen, knows_groups = _varlen()
    grouped: dict[str, bool] = {}
    if (shared := query.shape[1] // key.shape[1]) > 1:
        if knows_groups:
            grouped = {"enable_gqa": True}
        else:
            key, value = (states.repeat_interleave(shared, dim=1) for states in (key, value))
    places = (asked.places, known.places, asked.longest, known.longest)
    return cast(Tensor, varlen(query, key, value, *places, scale=scale, window_size=(-1, 0), **grouped))


def _alone(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    asked, known, taken = (states.transpose(0, 1)[None] for states in (query, key, value))
    if len(query) == len(key):
        return attend_causally(asked, known, taken, scale)[0].transpose(0, 1)
    mask = torch.ones(len(query), len(key), dtype=torch.bool).tril(len(key) - len(query))
    return attend(asked, known, taken, scale, mask)[0].transpose(0, 1)


def _varlen() -> tuple[Any, bool]:
    """Returns torch's function, and whether it knows heads that share keys: it came with 2.10, its scale with 2.11, these with 2.12."""
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        known = inspect.Signature().parameters
    else:
        known = inspect.signature(varlen_attn).parameters
    if "scale" not in known:
        hint = "Update torch, or set encoder.attention=sdpa."
        raise ConfigError(must_be("torch for encoder.attention=varlen", "2.11 or newer", torch.__version__, hint))
    return varlen_attn, "enable_gqa" in known


class _ByProducts(torch.autograd.Function):
    """Attention as products over all contents and heads, with scores of float32; these are made again in the backward pass and not kept.

    Of queries (g, q, d), keys and values (g, M, d), and `unseen`, what is added to the scores, (g, q, M) or broadcast to it.
    """

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, unseen: Tensor | None, scale: float) -> Tensor:
        ctx.save_for_backward(query, key, value, *(() if unseen is None else (unseen,)))
        ctx.scale = scale
        return torch.bmm(_weights(query, key, unseen, scale).to(value.dtype), value)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, *rest = ctx.saved_tensors
        (gradient,) = gradients
        with torch.autocast("cpu", enabled=False):
            weights = _weights(query, key, rest[0] if rest else None, ctx.scale)
            of_value = torch.bmm(weights.to(value.dtype).transpose(1, 2), gradient)
            of_weights = torch.bmm(gradient, value.transpose(1, 2)).float()
            of_scores = weights * (of_weights - (of_weights * weights).sum(-1, keepdim=True))
            of_scores = of_scores.mul_(ctx.scale).to(query.dtype)
            return torch.bmm(of_scores, key), torch.bmm(of_scores.transpose(1, 2), query), of_value, None, None


def _weights(query: Tensor, key: Tensor, unseen: Tensor | None, scale: float) -> Tensor:
    scores = torch.bmm(query.float() * scale, key.float().transpose(1, 2))
    return (scores if unseen is None else scores.add_(unseen)).softmax(-1)


def _by_products(query: Tensor, key: Tensor, value: Tensor, scale: float, mask: Tensor | None) -> Tensor:
    num, heads, length, width = query.shape
    groups = num * key.shape[1]
    asked = query.reshape(groups, -1, width)  # heads that share keys are queries of the same keys
    known, taken = key.reshape(groups, -1, width), value.reshape(groups, -1, value.shape[-1])
    unseen = None
    if mask is not None:  # one for all contents, or one for each
        unseen = torch.zeros(mask.shape).masked_fill_(~mask, float("-inf"))
        contents = num if mask.dim() == 4 and len(mask) > 1 else 1
        unseen = unseen.expand(contents, heads if contents > 1 else heads // key.shape[1], length, -1)
        unseen = unseen.reshape(-1, asked.shape[1], key.shape[2])
    attended = cast(Tensor, _ByProducts.apply(asked, known, taken, unseen, scale))  # type: ignore[no-untyped-call]
    return attended.view(num, heads, length, -1)
