"""The language model, faster and the same.

- Contents are padded on the right and attention is causal, so no token sees padding: no mask is made.
- Only the last token's state is an embedding, so the last layer asks, and passes through its MLP, that token alone.
- Micro-batches lie end to end in one row of tokens, and only attention tells them apart: one pass for all of them. What all contents begin
  with may stand once, before them: being causal, its states do not depend on what follows.
- Rotation, norm and MLP have backward passes of their own, see `rotary`, `rms_norm` and `swiglu`.

Weights and state dict stay as they are. Shapes: n contents, L tokens, D width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MethodType
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from unite.encoder.families.attention import Starts, attend, attend_causally, attend_within
from unite.encoder.families.linear import linears
from unite.encoder.families.rms_norm import rms_norm
from unite.encoder.families.rotary import for_heads, rotate
from unite.encoder.families.shared import SharedByLayers
from unite.encoder.families.swiglu import gated_mlp

#: Behind a mask, the keys of a content are a multiple of it: torch's attention on a CPU takes up to 1.6 times as long with others.
_KEYS = 16
#: On a CPU and without gradients a content asks by pieces of so many queries at most, up to so many pieces; torch's attention does the same
#: within itself for long ones.
_QUERIES, _PIECES = 64, 8


class LanguageClasses(NamedTuple):
    """The classes of a language model whose forward pass is swapped; these very ones, no subclass.

    Their attributes must be those of transformers' Qwen models: a norm has `weight` and `variance_epsilon`; attention has `q_proj` to
    `o_proj`, `head_dim`, `scaling`, maybe `q_norm` and `k_norm`; a layer normalises first; an MLP has `gate_proj`, `up_proj`, `down_proj`.
    """

    norm: type[nn.Module]
    attention: type[nn.Module]
    layer: type[nn.Module]
    mlp: type[nn.Module]


class Blocks:
    """Micro-batches end to end in one row of tokens, (1, T, ...), maybe behind tokens that all contents begin with.

    Args:
        shapes: (n, L) of each.
        lasts: (n,) of each, where in its row a content's last token is.
        shared: P, how many tokens at the beginning of the row belong to every content, before its own.
        spare: how many tokens at its end belong to none.

    Attributes:
        shapes, lasts, shared, spare: as given.
        last: (N,) where in the row of all the contents' last tokens are.
    """

    def __init__(self, shapes: Sequence[Sequence[int]], lasts: Sequence[Tensor], shared: int = 0, spare: int = 0) -> None:
        self.shapes, self.lasts = [(int(rows), int(length)) for rows, length in shapes], list(lasts)
        self.shared, self.spare = shared, spare
        places, start = [], shared
        for (rows, length), last in zip(self.shapes, self.lasts, strict=True):
            places.append(start + torch.arange(rows, device=last.device) * length + last)
            start += rows * length
        self.last = torch.cat(places)


class Sequences:
    """Contents end to end in one row of tokens, (1, T, ...), without padding.

    Args:
        lengths: (N,) of each.

    Attributes:
        starts: where each lies.
        last: (N,) where their last tokens are.
        of_last: where each lies among these.
    """

    def __init__(self, lengths: Tensor) -> None:
        ends = lengths.cumsum(0)
        self.starts = Starts(nn.functional.pad(ends, (1, 0)).int(), int(lengths.max()))
        self.last = ends - 1
        self.of_last = Starts(torch.arange(len(lengths) + 1, dtype=torch.int32, device=lengths.device), 1)


def speed_up_language(language_model: Any, classes: LanguageClasses) -> bool:
    """Swaps the forward passes of a language model's norms, attention, MLPs and last layer, for `sdpa` attention without a mask.

    Returns:
        Whether they take `blocks`, or contents without padding in their place: the states of those last tokens alone, (1, N, D), are then
        returned.
    """
    last = language_model.layers[-1]
    passes: dict[type, Callable[..., Any]] = {classes.norm: _normalise, classes.attention: _attend}
    if language_model.config.hidden_act == "silu":
        passes[classes.mlp] = gated_mlp
    for module in language_model.modules():
        if type(module) in passes:
            module.forward = MethodType(passes[type(module)], module)
    if type(last) is not classes.layer or type(last.self_attn) is not classes.attention:
        return False
    if set(getattr(language_model.config, "layer_types", ())) - {"full_attention"}:
        return False  # a sliding window is a mask over whole rows
    last.forward = MethodType(_last_layer, last)
    return True


def _normalise(self: Any, hidden_states: Tensor) -> Tensor:
    dtype = torch.promote_types(hidden_states.dtype, self.weight.dtype)  # they differ under autocast
    return rms_norm(hidden_states.to(dtype), self.weight.to(dtype), self.variance_epsilon)


def _last_layer(self: Any, hidden_states: Tensor, blocks: Blocks | Sequences | None = None, **kwargs: Any) -> Tensor:
    """Returns (1, N, D), the states of the blocks' last tokens; all of them, (n, L, D), without blocks."""
    attended, _ = self.self_attn(hidden_states=self.input_layernorm(hidden_states), blocks=blocks, is_last=True, **kwargs)
    hidden_states = attended + (hidden_states if blocks is None else hidden_states[:, blocks.last])
    return cast(Tensor, hidden_states + self.mlp(self.post_attention_layernorm(hidden_states)))


def _attend(
    self: Any,
    hidden_states: Tensor,
    position_embeddings: tuple[Tensor, Tensor],
    attention_mask: Tensor | None = None,
    is_last: bool = False,
    shared: SharedByLayers | None = None,
    blocks: Blocks | Sequences | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Causal attention over (n, L, D), within blocks if there are any; of their last tokens alone in the last layer."""
    if attention_mask is not None:  # a sliding window
        return type(self).forward(self, hidden_states, attention_mask, position_embeddings=position_embeddings, **kwargs)[0], None
    num_heads, shared = self.config.num_attention_heads, shared or SharedByLayers()
    angles = shared.made_of(position_embeddings[0], lambda: for_heads(*position_embeddings, num_heads))
    key, value, *query_of_all = _heads(self, "kv" if blocks is not None and is_last else "kvq", hidden_states)
    key = rotate(key, angles)
    if isinstance(blocks, Sequences):
        asking = hidden_states[:, blocks.last] if is_last else hidden_states
        of_asking = (angles[0][:, blocks.last], angles[1][:, blocks.last]) if is_last else angles
        (query,) = query_of_all or _heads(self, "q", asking)
        query, key, value = (states.flatten(0, 1) for states in (rotate(query, of_asking), key, value))
        within = attend_within(query, key, value, self.scaling, blocks.of_last if is_last else blocks.starts, blocks.starts)
        return self.o_proj(within.view(*asking.shape[:2], -1)), None
    shapes = [(hidden_states.shape[0], hidden_states.shape[1])] if blocks is None else blocks.shapes
    num_shared, num_spare = (0, 0) if blocks is None else (blocks.shared, blocks.spare)
    lasts: Sequence[Tensor | None] = [None] * len(shapes)
    asking = hidden_states
    if blocks is not None and is_last:
        lasts, asking = blocks.lasts, hidden_states[:, blocks.last]
        angles = angles[0][:, blocks.last], angles[1][:, blocks.last]
    (query,) = query_of_all or _heads(self, "q", asking)
    query = rotate(query, angles)
    asked = [rows * (length if last is None else 1) for (rows, length), last in zip(shapes, lasts, strict=True)]
    known = [rows * length for rows, length in shapes]
    of_shared, of_spare = (0, 0) if is_last else (num_shared, num_spare)
    first, *queries, _ = query.flatten(0, 1).split([of_shared, *asked, of_spare])
    before_key, *keys, _ = key.flatten(0, 1).split([num_shared, *known, num_spare])
    before_value, *values, _ = value.flatten(0, 1).split([num_shared, *known, num_spare])
    attended = [_within(self, (1, of_shared), None, first, before_key, before_value)] if of_shared else []
    before = (before_key, before_value) if num_shared else None
    parts = zip(shapes, lasts, queries, keys, values, strict=True)
    attended += [_within(self, shape, last, query, key, value, before) for shape, last, query, key, value in parts]
    if of_spare:
        attended.append(attended[0].new_zeros(of_spare, attended[0].shape[-1]))
    return self.o_proj(torch.cat(attended).view(*asking.shape[:2], -1)), None


def _within(
    self: Any,
    shape: tuple[int, int],
    last: Tensor | None,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    before: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """Causal attention in n contents of L tokens; queries of all tokens (n * L, heads, head_dim), or of the tokens `last` (n, ...).

    With `before`, the keys and values (P, heads, head_dim) of tokens that stand before each of the contents.
    """
    query, key, value = (states.unflatten(0, (shape[0], -1)) for states in (query, key, value))
    mask = None if last is None else (torch.arange(shape[1], device=last.device) <= last[:, None])[:, None, None]
    num_before = 0 if before is None else len(before[0])
    in_pieces = last is None and _QUERIES < shape[1] <= _PIECES * _QUERIES and key.device.type == "cpu" and not torch.is_grad_enabled()
    if before is not None:
        spare = -(num_before + shape[1]) % _KEYS
        nothing = key.new_zeros(1, 1, 1, 1).expand(shape[0], spare, *key.shape[2:])
        key, value = (torch.cat([one.expand(shape[0], *one.shape), own, nothing], 1) for one, own in zip(before, (key, value), strict=True))
        if mask is not None:
            mask = nn.functional.pad(nn.functional.pad(mask, (num_before, 0), value=True), (0, spare), value=False)
        elif not in_pieces:
            mask = _causal(shape[1], num_before, key.shape[1], key.device)
    if key.shape[2] != query.shape[2] and (in_pieces or before is not None):
        # Of torch's kernels, those that take a mask want a key for each head: the others would write out all scores.
        key, value = (states.repeat_interleave(query.shape[2] // states.shape[2], 2) for states in (key, value))
    query, key, value = (states.transpose(1, 2) for states in (query, key, value))
    attended = _in_pieces(self, query, key, value, num_before) if in_pieces else _attention(self, query, key, value, mask)
    return attended.flatten(0, 1).flatten(1)


def _in_pieces(self: Any, query: Tensor, key: Tensor, value: Tensor, num_before: int) -> Tensor:
    """Causal attention, of `_QUERIES` queries at a time: keys behind the last of them are not read, which behind a mask they are."""
    length = query.shape[2]
    size = -(-length // -(-length // _QUERIES))
    attended = []
    for start in range(0, length, size):
        end = min(start + size, length)
        known = min(-(-(num_before + end) // _KEYS) * _KEYS, key.shape[2])
        mask = _causal(end - start, num_before + start, known, key.device)
        attended.append(_attention(self, query[:, :, start:end], key[:, :, :known], value[:, :, :known], mask))
    return torch.cat(attended, 1)


def _causal(num_queries: int, first: int, num_keys: int, device: torch.device) -> Tensor:
    """Returns the mask (num_queries, num_keys) of queries that stand at `first` and after it."""
    return torch.ones(num_queries, num_keys, dtype=torch.bool, device=device).tril(first)


def _attention(self: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    dropout = self.attention_dropout if self.training else 0.0
    if mask is None:
        return attend_causally(query, key, value, self.scaling, dropout).transpose(1, 2)
    return attend(query, key, value, self.scaling, mask, dropout).transpose(1, 2)


def _heads(self: Any, names: str, hidden_states: Tensor) -> list[Tensor]:
    """Returns the states projected to queries, keys or values, whose letters are the names, (n, L, heads, head_dim) each."""
    layers = [getattr(self, f"{name}_proj") for name in names]
    if all(type(layer) is nn.Linear for layer in layers):
        projected = linears(hidden_states, [layer.weight for layer in layers], [layer.bias for layer in layers])
    else:  # adapters
        projected = [layer(hidden_states) for layer in layers]
    norms = [getattr(self, f"{name}_norm", None) for name in names]  # Qwen3's queries and keys
    heads = [states.unflatten(-1, (-1, self.head_dim)) for states in projected]
    return [states if norm is None else norm(states) for states, norm in zip(heads, norms, strict=True)]
