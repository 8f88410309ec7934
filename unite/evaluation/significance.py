"""Is one better than another, or only luckier with its queries? Randomisation tests of two runs on the same queries, and of two groups.

Shapes: Q queries, N values of two groups.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unite.errors import DataError, must_be

#: Values of resamples that are held at a time.
_CHUNK = 2**20


def sign_flip_test(differences: ArrayLike, num_resamples: int = 9999, seed: int = 0) -> float:
    """Returns the two-sided p of the paired randomisation test (Fisher 1935; Smucker et al. 2007, doi 10.1145/1321440.1321528).

    If neither run were better, each query's difference would as soon have the other sign: p is the share of sign patterns whose mean is at
    least as far from 0 as the one seen. Exact where the patterns are no more than the resamples, else sampled, with one added above and
    below so that p is never 0 (Phipson & Smyth 2010). Queries that both did equally well say nothing, and are left out.

    Args:
        differences: (Q,) value of the one run minus that of the other.
        num_resamples: patterns to sample.
        seed: the same seed gives the same p.
    """
    values: NDArray[np.float64] = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise DataError(must_be("differences", "one finite number a query", f"of shape {values.shape}, or not finite"))
    values = values[values != 0]
    num = len(values)
    if not num:
        return 1.0
    # Sums that differ by rounding alone are equal.
    bound = abs(values.sum()) - 1e-9 * np.abs(values).sum()
    exact = num < 63 and 2**num <= num_resamples
    random = np.random.default_rng(seed)
    total = 2**num if exact else num_resamples
    reached = 0
    step = max(1, _CHUNK // num)
    for start in range(0, total, step):
        count = min(step, total - start)
        if exact:
            flips = ((np.arange(start, start + count)[:, None] >> np.arange(num)) & 1).astype(np.uint8)
        else:
            flips = np.unpackbits(np.frombuffer(random.bytes(count * -(-num // 8)), np.uint8).reshape(count, -1), axis=1)[:, :num]
        reached += int((np.abs(values.sum() - 2 * (flips.astype(np.float64) @ values)) >= bound).sum())
    return reached / total if exact else (reached + 1) / (total + 1)


def permutation_test(values: NDArray[np.float64], is_first: NDArray[np.bool_], num_resamples: int = 9999, seed: int = 0) -> float:
    """Returns the two-sided p of the permutation test of two means: the share of splits that differ as much (Phipson & Smyth 2010).

    Args:
        values: (N,) of both groups.
        is_first: (N,) whether each is of the first.
        num_resamples: splits to sample.
        seed: the same seed gives the same p.
    """
    num, total = int(is_first.sum()), values.sum()

    def distance(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        distances: NDArray[np.float64] = np.abs(sums / num - (total - sums) / (len(values) - num))
        return distances

    bound = distance(values[is_first].sum()) - 1e-9 * np.abs(values).max()  # what differs by rounding alone is equal
    random = np.random.default_rng(seed)
    reached, step = 0, max(1, _CHUNK // len(values))
    for start in range(0, num_resamples, step):
        order = random.permuted(np.broadcast_to(values, (min(step, num_resamples - start), len(values))), axis=1)
        reached += int((distance(order[:, :num].sum(axis=1)) >= bound).sum())
    return (reached + 1) / (num_resamples + 1)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Returns p adjusted for testing all of them: the chance of any false find stays below the level (Holm 1979)."""
    adjusted: dict[str, float] = {}
    largest = 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[name]))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}
