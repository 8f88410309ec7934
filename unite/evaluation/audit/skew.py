"""Skew: is a group among the first k as often as it is in the pool?

Of Geyik, Ambler & Kenthapadi 2019 ("Fairness-Aware Ranking in Search & Recommendation Systems", arXiv 1905.01989): skew@k, MaxSkew@k,
MinSkew@k and NDKL, with the pool's shares as the wanted ones. Deviations: a group's skew is that of its shares over all queries together,
since one query's k hits lack most groups by chance; MaxSkew and NDKL, the means over queries, stand beside what random rankings give, as
they are above 0 by chance; NDKL looks at the first k. Candidates without a label are passed over.

Shapes: Q queries, G groups.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from unite.evaluation.audit.units import interval, joint_confidence, least_units, resample
from unite.evaluation.intervals import Interval, wilson_interval

#: Random rankings that tell what chance gives.
_NUM_RANDOM = 2000
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class GroupSkew:
    """A group among the first k.

    Attributes:
        group: its name.
        pool, top: its mean share of the pool and of the first k.
        skew: ln(top / pool); -inf where it is never there. `interval` is its 95% interval: that of resamples, or, where it is never or
            always there and they cannot differ, of Wilson's for the units of the queries.
        is_apart: whether it is told apart from 0, for all groups of the attribute together at 95% (Bonferroni); not of fewer units of
            queries than `least_units`.
    """

    group: str
    pool: float
    top: float
    skew: float
    interval: Interval
    is_apart: bool


@dataclass(frozen=True)
class Skew:
    """The groups of an attribute among the first k.

    Attributes:
        k: how many hits were looked at.
        groups: in the order of the attribute, those that are in a pool.
        max_skew, ndkl: means over the queries, with what random rankings give.
    """

    k: int
    groups: tuple[GroupSkew, ...]
    max_skew: float
    max_skew_by_chance: float
    ndkl: float
    ndkl_by_chance: float

    @property
    def min_skew(self) -> float:
        """The skew of the group that is shown least."""
        return min(group.skew for group in self.groups)


def skew(
    ranked: Sequence[Ints], pools: Sequence[Ints], units: Sequence[int], names: Sequence[str], k: int, num_resamples: int, seed: int = 0
) -> Skew:
    """Returns how the groups stand among the first k.

    Args:
        ranked: of each query the groups of its hits, best first, at least k.
        pools: of each query how many candidates of each group it is ranked against, (G,).
        units: (Q,) the unit of each query.
        names: of the G groups.
        k: from 1.
        num_resamples: of the intervals.
        seed: of resamples and random rankings.
    """
    num_groups = len(names)
    top = np.stack([np.bincount(hits[:k], minlength=num_groups) / k for hits in ranked])
    pool = np.stack([counts / counts.sum() for counts in pools])
    num_units = len(set(units))
    shown = np.flatnonzero(pool.sum(axis=0) > 0)
    rows, columns = (index.ravel() for index in np.meshgrid(np.arange(len(top)), np.arange(len(shown)), indexing="ij"))
    found = resample(
        top[:, shown].ravel(), columns, np.asarray(units)[rows], len(shown), num_resamples, weights=pool[:, shown].ravel(), seed=seed
    )
    with np.errstate(divide="ignore"):
        values, samples = np.log(found.values), np.log(found.samples)
    groups = []
    for place, group in enumerate(shown.tolist()):
        in_pool, in_top = float(pool[:, group].mean()), float(top[:, group].mean())
        bounds = partial(_bounds, samples[:, place], in_top, in_pool, num_units)
        low, high = bounds(joint_confidence(len(shown)))
        is_apart = (low > 0 or high < 0) and num_units >= least_units(len(shown))
        groups.append(GroupSkew(names[group], in_pool, in_top, float(values[place]), bounds(0.95), is_apart))
    chance = _by_chance(pools, k, seed)
    seen = [(max_skew(hits[:k], counts), ndkl(hits[:k], counts)) for hits, counts in zip(ranked, pools, strict=True)]
    return Skew(k, tuple(groups), *(float(value) for pair in zip(np.mean(seen, axis=0), chance, strict=True) for value in pair))


def _bounds(samples: NDArray[np.float64], in_top: float, in_pool: float, num_units: int, confidence: float) -> Interval:
    if in_top not in (0.0, 1.0):
        return interval(samples, confidence)
    low, high = wilson_interval(in_top, num_units, confidence)
    return (math.log(low / in_pool) if low else -math.inf), math.log(high / in_pool)


def max_skew(hits: Ints, pool: Ints) -> float:
    """Returns MaxSkew@k: the largest ln(share among the hits / share of the pool) of the groups.

    Args:
        hits: (k,) groups of the hits.
        pool: (G,) candidates of each group.
    """
    counts = np.bincount(hits, minlength=len(pool))
    return float(np.log((counts[counts > 0] / len(hits)) / (pool[counts > 0] / pool.sum())).max())


def ndkl(hits: Ints, pool: Ints) -> float:
    """Returns NDKL: the mean over i = 1..k of KL(shares among the first i || shares of the pool), weighted by 1 / log2(i + 1).

    Args:
        hits: (k,) groups of the hits, best first.
        pool: (G,) candidates of each group.
    """
    first = np.arange(1, len(hits) + 1)
    shares = np.cumsum(hits[:, None] == np.arange(len(pool)), axis=0) / first[:, None]
    wanted = np.where(pool > 0, pool / pool.sum(), 1.0)
    logs = np.log(np.where(shares > 0, shares / wanted, 1.0))
    weights = 1 / np.log2(first + 1)
    return float((weights * (shares * logs).sum(axis=1)).sum() / weights.sum())


def _by_chance(pools: Sequence[Ints], k: int, seed: int) -> tuple[float, float]:
    """Returns MaxSkew@k and NDKL of random rankings of the same pools."""
    random = np.random.default_rng(seed)
    picked = range(0, len(pools), math.ceil(len(pools) / _NUM_RANDOM))
    times = math.ceil(_NUM_RANDOM / len(picked))
    found = []
    for query in picked:
        everyone = np.repeat(np.arange(len(pools[query])), pools[query])
        draws = (everyone[random.choice(len(everyone), k, replace=False)] for _ in range(times))
        found += [(max_skew(hits, pools[query]), ndkl(hits, pools[query])) for hits in draws]
    of_max, of_ndkl = np.mean(found, axis=0)
    return float(of_max), float(of_ndkl)
