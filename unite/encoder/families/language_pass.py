"""A language model that is given features in the place of media's tokens, all micro-batches of a pass in one row of tokens.

Shapes: n contents, L tokens, V visual tokens, D width, T tokens of a row.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from unite.encoder.families.attention import is_within_possible
from unite.encoder.families.family import Part
from unite.encoder.families.fast_language import Blocks, Sequences
from unite.encoder.families.shared import SharedByLayers
from unite.encoder.pooling import states_at
from unite.errors import ConfigError, must_be

log = logging.getLogger(__name__)

#: On a CPU a row of tokens is as long as a multiple of it: oneDNN prepares its products for each new length, which takes as long as two or
#: three of them.
_ROUND = 64


class LanguagePass(nn.Module):
    """What of a `Family` drives the language model.

    Its `speed_up` says what was made faster: `_is_fast`, that layers take what they share (`SharedByLayers`); `_is_one_pass`, that they
    take blocks (see `fast_language`), or contents without padding.
    """

    def __init__(self) -> None:
        super().__init__()
        self._is_fast = self._is_one_pass = self._is_unpadded = self._is_told = False

    def leave_out_padding(self) -> None:
        """From now on contents of any length pass end to end, none of them padded (`encoder.attention=varlen`), where attention can.

        Raises:
            ConfigError: if the model is not passed as one row of tokens.
        """
        if not self._is_one_pass:
            hint = "Only a language model without sliding windows is passed as one row of tokens."
            raise ConfigError(must_be("encoder.attention", "sdpa for this checkpoint", "varlen", hint))
        self._is_unpadded = True

    def deeper(self, features: Tensor, seen: Tensor) -> dict[str, Any]:
        """Returns what the language model is given of the features for deeper layers.

        Args:
            features: (V, 1 + K, D).
            seen: (n, L) bool, where their tokens are.
        """
        return {}

    def states(self, model: Any, parts: Sequence[Part]) -> Sequence[Tensor]:
        """Returns for each micro-batch the states (n, D) of its last tokens."""
        contents = [part.micro_batch for part in parts]
        if not self._is_one_pass:
            shared = {"shared": SharedByLayers()} if self._is_fast else {}
            hidden = [
                self._pass(model, content.input_ids, content.token_types, part.features, part.positions, **shared)
                for content, part in zip(contents, parts, strict=True)
            ]
            return [states_at(states, part.last) for states, part in zip(hidden, parts, strict=True)]
        if self._is_unpadded and self._can_leave_out_padding(model):
            masks = [content.attention_mask.bool() for content in contents]
            one_row = self._pass(
                model,
                torch.cat([content.input_ids[mask] for content, mask in zip(contents, masks, strict=True)])[None],
                torch.cat([content.token_types[mask] for content, mask in zip(contents, masks, strict=True)])[None],
                _features(parts),
                torch.cat([part.positions[..., mask] for part, mask in zip(parts, masks, strict=True)], -1)[..., None, :],
                shared=SharedByLayers(),
                blocks=Sequences(torch.cat([part.last + 1 for part in parts])),
            )
            return torch.split(one_row[0], [len(part.last) for part in parts])
        num_shared = contents[0].shared if len(contents) == 1 else 0
        shapes = [(rows, length - num_shared) for rows, length in (content.input_ids.shape for content in contents)]
        num_tokens = num_shared + sum(rows * length for rows, length in shapes)
        spare = -num_tokens % _ROUND if contents[0].input_ids.device.type == "cpu" else 0
        one_row = self._pass(
            model,
            _in_one_row([content.input_ids for content in contents], num_shared, spare)[None],
            _in_one_row([content.token_types for content in contents], num_shared, spare)[None],
            _features(parts),
            _in_one_row([part.positions for part in parts], num_shared, spare)[..., None, :],
            shared=SharedByLayers(),
            blocks=Blocks(shapes, [part.last - num_shared for part in parts], num_shared, spare),
        )
        return torch.split(one_row[0], [len(part.last) for part in parts])

    def _can_leave_out_padding(self, model: Any) -> bool:
        weight = model.get_input_embeddings().weight
        if is_within_possible(weight):
            return True
        if not self._is_told:
            self._is_told = True
            log.warning("contents are padded where a GPU computes in %s: encoder.attention=varlen is for 16 bits alone", weight.dtype)
        return False

    def _pass(self, model: Any, ids: Tensor, types: Tensor, features: Tensor, positions: Tensor, **extra: Any) -> Tensor:
        """Returns the last layer's states (n, L, D) of tokens (n, L); of the last tokens alone, (1, N, D), where there are blocks."""
        inputs = model.get_input_embeddings()(ids)
        if len(features):
            seen = types > 0
            inputs = inputs.masked_scatter(seen[..., None], features[:, 0].to(inputs.dtype))
            extra |= self.deeper(features, seen)
        # No mask: padding is on the right and attention causal, so that no token sees any.
        hidden: Tensor = model.language_model(
            inputs_embeds=inputs, attention_mask=None, position_ids=positions, use_cache=False, **extra
        ).last_hidden_state
        return hidden


def _features(parts: Sequence[Part]) -> Tensor:
    return torch.cat([part.features for part in parts if len(part.features)] or [parts[0].features])


def _in_one_row(tensors: Sequence[Tensor], shared: int, spare: int) -> Tensor:
    """Returns tensors (..., n, L) as one (..., T): end to end, with the first tokens that all contents share once, at its beginning.

    At its end stand `spare` zeros.
    """
    rows = [tensor[..., shared:].flatten(-2) for tensor in tensors]
    zeros = tensors[0].new_zeros(*tensors[0].shape[:-2], spare)
    return torch.cat([tensors[0][..., 0, :shared], *rows, zeros], dim=-1)
