"""Attention within contents: torch's own, but in bfloat16 on a CPU plain products.

There torch's kernel has no products of that type: forward it takes 2.4 to 3.9 times as long as they do, backward 2 to 12 times (contents
of 16 to 512 tokens, 2,048 in all, a processor with AVX512_BF16). In float32 the two are alike.

Shapes: n contents, H heads, K heads of keys (H is a multiple), L queries, M keys, d width of a head.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

#: Contents of more keys are left to torch: it keeps no scores.
_MOST_KEYS = 512


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
    is_mixed = query.device.type == "cpu" and torch.is_autocast_enabled("cpu")
    dtype = torch.get_autocast_dtype("cpu") if is_mixed else query.dtype
    if query.device.type != "cpu" or dtype != torch.bfloat16 or dropout or key.shape[2] > _MOST_KEYS:
        is_grouped = query.shape[1] != key.shape[1]
        return nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, dropout_p=dropout, is_causal=is_causal, scale=scale, enable_gqa=is_grouped
        )
    if is_causal:
        mask = torch.ones(query.shape[2], key.shape[2], dtype=torch.bool).tril()
    with torch.autocast("cpu", enabled=False):  # it would round the scores
        return _by_products(query.to(dtype), key.to(dtype), value.to(dtype), scale, mask)


def _by_products(query: Tensor, key: Tensor, value: Tensor, scale: float, mask: Tensor | None) -> Tensor:
    """With scores of float32, as torch's kernel has them."""
    num, heads, length, width = query.shape
    groups = num * key.shape[1]
    asked = (query.float() * scale).reshape(groups, -1, width)  # heads that share keys are queries of the same keys
    known, taken = key.float().reshape(groups, -1, width), value.reshape(groups, -1, value.shape[-1])
    scores = torch.bmm(asked, known.transpose(1, 2))
    if mask is not None:
        unseen = torch.zeros(mask.shape).masked_fill_(~mask, float("-inf"))
        scores = (scores.view(num, heads, length, -1) + unseen).view_as(scores)
    weights = scores.softmax(-1).to(value.dtype)
    return torch.bmm(weights, taken).view(num, heads, length, -1)
