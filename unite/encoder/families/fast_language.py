"""The language model, faster and the same.

- Contents are padded on the right and attention is causal, so no token sees padding: no mask is made.
- Only the last token's state is an embedding, so the last layer asks, and passes through its MLP, that token alone.
- The rotation has a backward pass of its own, see `rotary`; a norm is one operation.

Weights and state dict stay as they are. Shapes: n contents, L tokens, D width.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from unite.encoder.families.rotary import for_heads, rotate
from unite.encoder.families.shared import SharedByLayers
from unite.encoder.pooling import states_at


class LanguageClasses(NamedTuple):
    """The classes of a language model whose forward pass is swapped; these very ones, no subclass.

    Their attributes must be those of transformers' Qwen models: a norm has `weight` and `variance_epsilon`; attention has `q_proj` to
    `o_proj`, `head_dim`, `scaling`, maybe `q_norm` and `k_norm`; a layer normalises first.
    """

    norm: type[nn.Module]
    attention: type[nn.Module]
    layer: type[nn.Module]


def speed_up_language(language_model: Any, classes: LanguageClasses) -> bool:
    """Swaps the forward passes of a language model's norms, attention and last layer, for `sdpa` attention without a mask.

    Returns:
        Whether the last layer could be swapped: given `last`, it then returns the states of those tokens alone.
    """
    last = language_model.layers[-1]
    passes: dict[type, Callable[..., Any]] = {classes.norm: _normalise, classes.attention: _attend}
    for module in language_model.modules():
        if type(module) in passes:
            module.forward = MethodType(passes[type(module)], module)
    if type(last) is not classes.layer or type(last.self_attn) is not classes.attention:
        return False
    last.forward = MethodType(_last_layer, last)
    return True


def _normalise(self: Any, hidden_states: Tensor) -> Tensor:
    dtype = torch.promote_types(hidden_states.dtype, self.weight.dtype)  # they differ under autocast
    return nn.functional.rms_norm(hidden_states.to(dtype), self.weight.shape, self.weight.to(dtype), self.variance_epsilon)


def _last_layer(self: Any, hidden_states: Tensor, last: Tensor | None = None, **kwargs: Any) -> Tensor:
    """Returns (n, 1, D), the states of the tokens `last` (n,); all of them, (n, L, D), without it."""
    attended, _ = self.self_attn(hidden_states=self.input_layernorm(hidden_states), last=last, is_last=True, **kwargs)
    hidden_states = attended + (hidden_states if last is None else _rows(hidden_states, last))
    return cast(Tensor, hidden_states + self.mlp(self.post_attention_layernorm(hidden_states)))


def _attend(
    self: Any,
    hidden_states: Tensor,
    position_embeddings: tuple[Tensor, Tensor],
    attention_mask: Tensor | None = None,
    last: Tensor | None = None,
    is_last: bool = False,
    shared: SharedByLayers | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Causal attention over (n, L, D); of the tokens `last` alone in the last layer."""
    if attention_mask is not None:  # a sliding window
        attended = type(self).forward(self, hidden_states, attention_mask, position_embeddings=position_embeddings, **kwargs)[0]
        return (_rows(attended, last) if is_last and last is not None else attended), None
    num_heads, shared = self.config.num_attention_heads, shared or SharedByLayers()
    angles = shared.made_of(position_embeddings[0], lambda: for_heads(*position_embeddings, num_heads))
    key = rotate(_heads(self, "k", hidden_states), angles)
    value = _heads(self, "v", hidden_states)
    query_from, mask = hidden_states, None
    if is_last and last is not None:
        mask = (torch.arange(hidden_states.shape[1], device=last.device) <= last[:, None])[:, None, None]
        query_from, angles = _rows(hidden_states, last), (_rows(angles[0], last), _rows(angles[1], last))
    query = rotate(_heads(self, "q", query_from), angles)
    attended = nn.functional.scaled_dot_product_attention(
        query.transpose(1, 2),
        key.transpose(1, 2),
        value.transpose(1, 2),
        attn_mask=mask,
        dropout_p=self.attention_dropout if self.training else 0.0,
        is_causal=mask is None,
        scale=self.scaling,
        enable_gqa=query.shape[2] != key.shape[2],
    )
    return self.o_proj(attended.transpose(1, 2).flatten(2)), None


def _heads(self: Any, name: str, hidden_states: Tensor) -> Tensor:
    """Returns the projected states, (n, L, heads, head_dim)."""
    projected = getattr(self, f"{name}_proj")(hidden_states).unflatten(-1, (-1, self.head_dim))
    norm = getattr(self, f"{name}_norm", None)  # Qwen3's queries and keys
    return cast(Tensor, projected if norm is None else norm(projected))


def _rows(states: Tensor, last: Tensor) -> Tensor:
    """Returns (n, 1, ...) of (n, L, ...): each content's token `last` (n,)."""
    return states_at(states, last)[:, None]
