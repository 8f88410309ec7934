"""Embeddings as they are kept: in 4, 2 or 1 bytes a number, or in a bit.

    float32   as they are
    float16   rounded
    int8      each vector times 127 over its greatest number: cosine similarity asks for directions alone, so no scale is kept
    binary    the signs, eight in a byte, the first in the highest bit, as `quantize_embeddings(..., "ubinary")` of sentence-transformers

Shapes: N vectors, D dimensions, W numbers kept of each: D, or ceil(D / 8) of signs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unite.config.schema.vectors import Vectors

_DTYPES = {Vectors.float32: np.float32, Vectors.float16: np.float16, Vectors.int8: np.int8, Vectors.binary: np.uint8}
_MOST = 127


def dtype_of(vectors: Vectors) -> np.dtype[Any]:
    """Returns the type of the numbers kept."""
    return np.dtype(_DTYPES[vectors])


def width_of(vectors: Vectors, dim: int) -> int:
    """Returns W, how many numbers are kept of a vector of `dim`."""
    return -(-dim // 8) if vectors is Vectors.binary else dim


def pack(embeddings: NDArray[np.float32], vectors: Vectors) -> NDArray[Any]:
    """Returns (N, D) float32 embeddings as they are kept, (N, W)."""
    kept: NDArray[Any]
    if vectors is Vectors.binary:
        kept = np.packbits(embeddings > 0, axis=1)
    elif vectors is Vectors.int8:
        most = np.abs(embeddings).max(axis=1, keepdims=True, initial=1e-30)
        kept = np.rint(embeddings * (_MOST / most)).astype(np.int8)
    else:
        kept = embeddings.astype(dtype_of(vectors))
    return kept


def unpack(kept: NDArray[Any], vectors: Vectors, dim: int) -> NDArray[np.float32]:
    """Returns what is kept, (N, W), as embeddings of unit length, (N, D) float32; of signs they are all of one size."""
    if vectors is Vectors.binary:
        signs = np.unpackbits(kept, axis=1, count=dim).astype(np.float32) * 2 - 1
        return signs / np.float32(np.sqrt(dim))
    numbers = kept.astype(np.float32)
    if vectors is Vectors.float32:
        return numbers
    unit: NDArray[np.float32] = numbers / np.maximum(np.linalg.norm(numbers, axis=1, keepdims=True), 1e-30)
    return unit
