"""A query of several parts as one vector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unite.errors import DataError, must_be

#: A sum of unit vectors that is shorter than this points nowhere: it is what rounding left.
_SHORTEST = 1e-4


def combined(vectors: NDArray[np.float32], weights: Sequence[float]) -> NDArray[np.float32]:
    """Returns the weighted sum of embeddings, of unit length; a weight below 0 pushes away.

    Args:
        vectors: (n, D) of unit length, at least one.
        weights: of each.

    Returns:
        (D,) float32.

    Raises:
        DataError: if they are not as many as the weights, a vector is not finite, or they cancel out.
    """
    if len(vectors) != len(weights) or not len(weights):
        raise DataError(must_be("the weights of a query", "one of each part", f"{len(weights)} of {len(vectors)}"))
    total = np.asarray(weights, np.float64) @ vectors.astype(np.float64)
    length = float(np.linalg.norm(total))
    if not np.isfinite(length):
        raise DataError(must_be("the parts of a query", "finite embeddings", "NaN or infinite"))
    if length < _SHORTEST * max(map(abs, weights)):
        hint = "Change a weight, or leave one of the parts out."
        raise DataError(must_be("the sum of a query's parts", "a direction", "nothing: they cancel each other out", hint))
    return (total / length).astype(np.float32)
