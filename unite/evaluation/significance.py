"""Is one run better than another, or only luckier with its queries? Paired tests on what both did with the same queries.

Shapes: Q queries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unite.errors import DataError, must_be
from unite.evaluation.metrics import wilson_interval

#: Values of resamples that are held at a time.
CHUNK = 2**20


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
    step = max(1, CHUNK // num)
    for start in range(0, total, step):
        count = min(step, total - start)
        if exact:
            flips = ((np.arange(start, start + count)[:, None] >> np.arange(num)) & 1).astype(np.uint8)
        else:
            flips = np.unpackbits(np.frombuffer(random.bytes(count * -(-num // 8)), np.uint8).reshape(count, -1), axis=1)[:, :num]
        reached += int((np.abs(values.sum() - 2 * (flips.astype(np.float64) @ values)) >= bound).sum())
    return reached / total if exact else (reached + 1) / (total + 1)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Returns p adjusted for testing all of them: the chance of any false find stays below the level (Holm 1979)."""
    adjusted: dict[str, float] = {}
    largest = 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[name]))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}


def stratified_interval(samples: Sequence[NDArray[np.float64]], num_resamples: int = 1000, seed: int = 0) -> tuple[float, float]:
    """Returns the 95% percentile bootstrap interval of the mean of several tasks' means; each task's queries are resampled by themselves.

    Args:
        samples: (Q,) values of each task.
        num_resamples: how often to resample.
        seed: the same seed gives the same interval.
    """
    random = np.random.default_rng(seed)
    means: NDArray[np.float64] = np.zeros(num_resamples)
    for sample in samples:
        step = max(1, CHUNK // len(sample))
        for start in range(0, num_resamples, step):
            part = means[start : start + step]
            part += sample[random.integers(len(sample), size=(len(part), len(sample)))].mean(axis=1) / len(samples)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def tasks_interval(samples: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """Returns the 95% interval of the mean of several tasks' means, of values from 0 to 1.

    That of `stratified_interval`, or Wilson's where all are 0 or all are 1 (as in `mean_interval`): for as many queries as give a
    proportion the variance of the mean, T^2 / sum(1 / Q) of T tasks.

    Args:
        samples: (Q,) values of each task.
    """
    value = float(samples[0][0])
    if value in (0.0, 1.0) and all((sample == value).all() for sample in samples):
        return wilson_interval(value, len(samples) ** 2 / sum(1 / len(sample) for sample in samples))
    return stratified_interval(samples)
