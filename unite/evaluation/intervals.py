"""How sure a mean is: its 95% interval over the queries it was taken of.

Shapes: Q queries of a task.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unite.errors import DataError, must_be

#: The lower and the upper bound.
Interval: TypeAlias = tuple[float, float]
#: Values of resamples that are held at a time.
_CHUNK = 2**20


def mean_interval(*tasks: ArrayLike) -> Interval:
    """Returns the 95% interval of the mean of tasks' means of values from 0 to 1.

    The bootstrap's, or Wilson's where all are 0 or all are 1: resampled they stay what they are, which is no certainty. (Values from 0 to 1
    vary at most as 0 and 1 of the same mean do, so Wilson's is right for proportions and wide enough for the other metrics.) It is then
    that of as many queries as give a proportion the variance of the mean, T^2 / sum(1 / Q) of T tasks.

    Args:
        tasks: (Q,) values of each, one a query.

    Raises:
        DataError: as `bootstrap_interval` does.
    """
    samples = _samples(tasks)
    value = float(samples[0][0])
    if value in (0.0, 1.0) and all((sample == value).all() for sample in samples):
        return wilson_interval(value, len(samples) ** 2 / sum(1 / len(sample) for sample in samples))
    return bootstrap_interval(*samples)


def bootstrap_interval(*tasks: ArrayLike, num_resamples: int = 1000, seed: int = 0) -> Interval:
    """Returns the 95% percentile bootstrap interval of the mean of tasks' means (Efron 1979); queries are resampled within their task.

    Args:
        tasks: (Q,) values of each, one a query.
        num_resamples: how often to resample.
        seed: the same seed gives the same interval.

    Raises:
        DataError: if there is no task, or one has no query or more than one value a query.
    """
    samples = _samples(tasks)
    random = np.random.default_rng(seed)
    means: NDArray[np.float64] = np.zeros(num_resamples)
    for sample in samples:
        step = max(1, _CHUNK // len(sample))
        for start in range(0, num_resamples, step):
            part = means[start : start + step]
            part += sample[random.integers(len(sample), size=(len(part), len(sample)))].mean(axis=1) / len(samples)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def wilson_interval(proportion: float, num: float, confidence: float = 0.95) -> Interval:
    """Returns the score interval of a proportion (Wilson 1927, doi 10.1080/01621459.1927.10502953).

    Args:
        proportion: seen, 0 to 1.
        num: of how many queries; not whole where a weighted mean is as uncertain as one of that many.
        confidence: of the interval.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    centre = (proportion + z**2 / (2 * num)) / (1 + z**2 / num)
    half = z / (1 + z**2 / num) * math.sqrt(proportion * (1 - proportion) / num + z**2 / (4 * num**2))
    return (0.0 if proportion == 0 else centre - half), (1.0 if proportion == 1 else centre + half)


def _samples(tasks: tuple[ArrayLike, ...]) -> list[NDArray[np.float64]]:
    samples = [np.asarray(values, dtype=np.float64) for values in tasks]
    if not samples or any(sample.ndim != 1 or not len(sample) for sample in samples):
        shapes = ", ".join(str(sample.shape) for sample in samples)
        raise DataError(must_be("values", "one number for each of at least one query", f"of shape {shapes}" if samples else "of no task"))
    return samples
