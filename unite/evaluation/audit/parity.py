"""Parity: is what is of one group found as often as what is of another?

An observation is a query and one of its relevant candidates with a label: found, if that stands among the k best. With one relevant
candidate a query the mean is R@k of the queries whose right answer is of the group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unite.evaluation.audit.labels import Attribute
from unite.evaluation.audit.units import (
    Resampled,
    from_others,
    interval,
    joint_confidence,
    least_units,
    numbered,
    resample,
    share_interval,
)
from unite.evaluation.intervals import Interval
from unite.evaluation.metrics import Judged


@dataclass(frozen=True)
class GroupValue:
    """A group beside the others.

    Attributes:
        group: its name.
        num: observations of it.
        num_units: units that they are of.
        value: the mean, 0 to 1, and `interval` its 95% interval.
        difference: from the mean of the other groups, and `difference_interval` its 95% interval.
        is_apart: whether the difference is told apart from 0, for all groups of the attribute together at 95% (Bonferroni); not where a
            group has fewer units than `least_units`, of which a bootstrap tells nothing.
    """

    group: str
    num: int
    num_units: int
    value: float
    interval: Interval
    difference: float
    difference_interval: Interval
    is_apart: bool


@dataclass(frozen=True)
class Parity:
    """The groups of an attribute.

    Attributes:
        k: of R@k.
        groups: in the order of the attribute.
        num_shared: units that show several groups; where it is 0, the groups differ in more than the attribute.
    """

    k: int
    groups: tuple[GroupValue, ...]
    num_shared: int

    @property
    def gap(self) -> float:
        """The best group's value minus the worst one's."""
        values = [group.value for group in self.groups]
        return max(values) - min(values)


def parity(
    judged: Mapping[str, Judged],
    relevant: Mapping[str, Sequence[str]],
    attribute: Attribute,
    unit: Mapping[str, str],
    ks: Sequence[int],
    num_resamples: int,
) -> list[Parity]:
    """Returns R@k by group, for each k; none where the relevant candidates do not show at least two groups.

    Args:
        judged: query id -> ranks of its relevant candidates.
        relevant: query id -> the relevant candidates, in the order of the ranks.
        attribute: whose groups are compared.
        unit: candidate id -> unit.
        ks: the values of k.
        num_resamples: of the intervals.
    """
    seen = [
        (rank, attribute.of[name], unit[name])
        for query, names in relevant.items()
        for rank, name in zip(judged[query].ranks, names, strict=True)
        if name in attribute.of
    ]
    ranks = np.array([rank for rank, _, _ in seen], dtype=np.int64)
    groups = [group for _, group, _ in seen]
    units = numbered([name for _, _, name in seen])
    return [compared for k in ks if (compared := compare_groups(ranks <= k, groups, units, attribute, k, num_resamples))]


def compare_groups(
    values: np.ndarray, groups: Sequence[int], units: Sequence[int], attribute: Attribute, k: int, num_resamples: int
) -> Parity | None:
    """Returns the groups' means of values from 0 to 1, (N,) with (N,) groups and units; None where there is but one group."""
    shown = sorted(set(groups))
    if len(shown) < 2:
        return None
    places = np.searchsorted(shown, groups)
    found = resample(values.astype(np.float64), places, np.asarray(units), len(shown), num_resamples)
    counts = np.bincount(places)
    named = [(attribute.groups[group], int(counts[place])) for place, group in enumerate(shown)]
    return Parity(k, tuple(_value(found, place, name, num) for place, (name, num) in enumerate(named)), found.num_shared)


def _value(found: Resampled, group: int, name: str, num: int) -> GroupValue:
    differences = from_others(found.samples, group)
    low, high = interval(differences, joint_confidence(len(found.values)))
    return GroupValue(
        name,
        num,
        found.num_units[group],
        float(found.values[group]),
        share_interval(found, group),
        float(from_others(found.values, group)),
        interval(differences),
        (low > 0 or high < 0) and min(found.num_units) >= least_units(len(found.values)),
    )
