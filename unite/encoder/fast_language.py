"""The language model, faster and the same.

- Contents are padded on the right and attention is causal, so no token sees padding: no mask is made.
- Only the last token's state is an embedding, so the last layer asks, and passes through its MLP, that token alone.
- The rotation has a backward pass of its own, see `rotary`; a norm is one operation.

Weights and state dict stay as they are. Shapes: n contents, L tokens, D width.
"""

from __future__ import annotations

from types import MethodType
from typing import Any, cast

import torch
from torch import Tensor, nn

from unite.encoder.rotary import rotate


def speed_up_language(language_model: nn.Module) -> None:
    """Swaps the forward passes of a Qwen language model's norms, attention and last layer, for `sdpa` attention without a mask."""
    layers: Any = language_model.layers
    for module in language_model.modules():
        if type(module).__name__.endswith("RMSNorm"):
            module.forward = MethodType(_normalise, module)
    for layer in layers:
        layer.self_attn.forward = MethodType(_attend, layer.self_attn)
    layers[-1].forward = MethodType(_last_layer, layers[-1])


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
    position_embeddings: tuple[Tensor, ...],
    attention_mask: Tensor | None = None,
    last: Tensor | None = None,
    is_last: bool = False,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Causal attention over (n, L, D); of the tokens `last` alone in the last layer."""
    if attention_mask is not None:  # a sliding window
        attended = type(self).forward(self, hidden_states, attention_mask, position_embeddings=position_embeddings, **kwargs)[0]
        return (_rows(attended, last) if is_last and last is not None else attended), None
    key = rotate(_heads(self, "k", hidden_states), *position_embeddings)
    value = _heads(self, "v", hidden_states)
    mask = None
    if is_last and last is not None:
        mask = (torch.arange(hidden_states.shape[1], device=last.device) <= last[:, None])[:, None, None]
        hidden_states, position_embeddings = _rows(hidden_states, last), tuple(_rows(angles, last) for angles in position_embeddings)
    query = rotate(_heads(self, "q", hidden_states), *position_embeddings)
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
    return states[torch.arange(len(states), device=states.device), last][:, None]
