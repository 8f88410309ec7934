"""Means by group with intervals, where observations of one unit are not independent: the bootstrap draws whole units.

Shapes: N observations, G groups, U units, R resamples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unite.evaluation.intervals import Interval, wilson_interval

#: Numbers that are held at a time.
_CHUNK = 2**22


@dataclass(frozen=True)
class Resampled:
    """Means by group.

    Attributes:
        values: (G,) as seen.
        samples: (R, G) of the resamples; NaN where a resample holds no observation of the group.
        num_units: (G,) units with an observation of the group.
        num_shared: units with observations of at least two groups.
    """

    values: NDArray[np.float64]
    samples: NDArray[np.float64]
    num_units: tuple[int, ...]
    num_shared: int


def resample(
    values: NDArray[np.float64],
    groups: NDArray[np.int64],
    units: NDArray[np.int64],
    num_groups: int,
    num_resamples: int,
    weights: NDArray[np.float64] | None = None,
    seed: int = 0,
) -> Resampled:
    """Returns the means of groups, and those of resamples that draw units with replacement (Davison & Hinkley 1997, 3.8).

    All groups of a unit are drawn together, so that a difference of two groups is the one within units, as far as units hold both.

    Args:
        values: (N,) observations.
        groups: (N,) the group of each.
        units: (N,) the unit of each.
        num_groups: G; each has an observation.
        num_resamples: R.
        weights: (N,) the mean is sum(values) / sum(weights); 1 each by default.
        seed: the same seed gives the same resamples.
    """
    places = np.unique(units, return_inverse=True)[1]
    num = int(places.max()) + 1
    sums, counts, seen = (np.zeros((num, num_groups)) for _ in range(3))
    np.add.at(sums, (places, groups), values)
    np.add.at(counts, (places, groups), 1.0 if weights is None else weights)
    np.add.at(seen, (places, groups), 1.0)
    random = np.random.default_rng(seed)
    parts = []
    with np.errstate(invalid="ignore", divide="ignore"):
        for start in range(0, num_resamples, step := max(1, _CHUNK // num)):
            drawn = random.multinomial(num, np.full(num, 1 / num), size=min(step, num_resamples - start))
            parts.append((drawn @ sums) / (drawn @ counts))
    is_there = seen > 0
    return Resampled(
        sums.sum(axis=0) / counts.sum(axis=0),
        np.concatenate(parts),
        tuple(int(count) for count in is_there.sum(axis=0)),
        int((is_there.sum(axis=1) > 1).sum()),
    )


def interval(samples: NDArray[np.float64], confidence: float = 0.95) -> Interval:
    """Returns the percentile interval of resampled values (R,)."""
    rest = (1 - confidence) / 2
    low, high = np.nanquantile(samples, [rest, 1 - rest], method="inverted_cdf")  # of values that were seen: an infinite one stays infinite
    return float(low), float(high)


def share_interval(seen: Resampled, group: int) -> Interval:
    """Returns the 95% interval of a group's mean of values from 0 to 1; Wilson's for its units where all are 0 or all are 1."""
    value = float(seen.values[group])
    return wilson_interval(value, seen.num_units[group]) if value in (0.0, 1.0) else interval(seen.samples[:, group])


def from_others(values: NDArray[np.float64], group: int) -> NDArray[np.float64]:
    """Returns the values of a group minus the mean of those of the other groups, (...,) of (..., G)."""
    difference: NDArray[np.float64] = values[..., group] - np.delete(values, group, axis=-1).mean(axis=-1)
    return difference


def joint_confidence(num_groups: int) -> float:
    """Returns the confidence of each interval for 95% that all of an attribute hold (Bonferroni); of two groups one mirrors the other."""
    return 1 - 0.05 / (num_groups if num_groups > 2 else 1)


def least_units(num_groups: int) -> int:
    """Returns of how many units at least a group is told apart: that of fewer all point one way is no rare chance, 2 in 2^n (sign test)."""
    return math.ceil(1 - math.log2(1 - joint_confidence(num_groups)))


def numbered(names: Sequence[str]) -> list[int]:
    """Returns a number for each name, the same for equal ones."""
    number_of = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return [number_of[name] for name in names]
