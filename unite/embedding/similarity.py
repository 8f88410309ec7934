"""Cosine similarities of embeddings, of whichever library they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from unite.errors import DataError, must_be

if TYPE_CHECKING:
    from torch import Tensor

#: (N, D), or (D,) for one: an array, a tensor, or a list of such.
Embeddings: TypeAlias = "NDArray[np.floating] | Tensor | Sequence[NDArray[np.floating]] | Sequence[Tensor] | Sequence[Sequence[float]]"


def similarity(embeddings1: Embeddings, embeddings2: Embeddings) -> Tensor:
    """Returns the cosine similarity (N1, N2) of each of the first with each of the second, in at least float32.

    Raises:
        DataError: if they are no embeddings, or of different widths.
    """
    first, second = _both(embeddings1, embeddings2)
    return first @ second.T


def similarity_pairwise(embeddings1: Embeddings, embeddings2: Embeddings) -> Tensor:
    """Returns the cosine similarity (N,) of each of the first with the one at its place in the second; of one (D,) with one, a number.

    Raises:
        DataError: if they are no embeddings, of different widths or numbers.
    """
    first, second = _both(embeddings1, embeddings2)
    if 1 not in (len(first), len(second)) and len(first) != len(second):
        raise DataError(must_be("embeddings2", f"as many as embeddings1, {len(first)}", len(second)))
    pairs = (first * second).sum(dim=-1)
    is_one = all(getattr(one, "ndim", 2) == 1 for one in (embeddings1, embeddings2))
    return pairs[0] if is_one else pairs


def _both(embeddings1: Embeddings, embeddings2: Embeddings) -> tuple[Tensor, Tensor]:
    import torch

    first, second = _unit(embeddings1, "embeddings1"), _unit(embeddings2, "embeddings2")
    if first.shape[1] != second.shape[1]:
        hint = "They are of another model, or cut to another truncate_dim."
        raise DataError(must_be("embeddings2", f"of the width of embeddings1, {first.shape[1]}", second.shape[1], hint))
    dtype = torch.promote_types(first.dtype, second.dtype)
    return first.to(dtype), second.to(first.device, dtype)


def _unit(embeddings: Embeddings, name: str) -> Tensor:
    """Returns (N, D) of unit length."""
    import torch

    try:
        if isinstance(embeddings, list | tuple):
            whole = torch.stack([_tensor(row) for row in embeddings]) if embeddings else torch.empty(0)
        else:
            whole = _tensor(embeddings)
        whole = whole.to(torch.promote_types(whole.dtype, torch.float32))
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(must_be(name, "(N, D) or (D,) numbers", type(embeddings).__name__, f"It is not: {error}.")) from error
    whole = whole[None] if whole.ndim == 1 else whole
    if whole.ndim != 2:
        raise DataError(must_be(name, "of shape (N, D) or (D,)", tuple(whole.shape)))
    return torch.nn.functional.normalize(whole, dim=-1)


def _tensor(values: Any) -> Tensor:
    import torch

    return torch.as_tensor(np.ascontiguousarray(values) if isinstance(values, np.ndarray) else values)  # reversed rows are none of torch's
