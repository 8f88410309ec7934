"""What an audit found, in memory and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from unite.evaluation.audit.association import Association
from unite.evaluation.audit.parity import GroupValue, Parity
from unite.evaluation.audit.skew import Skew
from unite.evaluation.audit.units import least_units


@dataclass(frozen=True)
class AttributeAudit:
    """One attribute in a task.

    Attributes:
        name: of the attribute.
        parity: for each k; empty where no query looks for candidates of several groups.
        skew: for each k.
        wrong_modality: by the group that was to be found, in one pool of all tasks; None where that is of one modality, or each query
            looks for all groups, or the groups share their queries.
    """

    name: str
    parity: tuple[Parity, ...]
    skew: tuple[Skew, ...]
    wrong_modality: Parity | None


@dataclass(frozen=True)
class NamedAssociation:
    """An association with what it is of: the attribute and its two groups, the names of the word lists, and the association."""

    name: str
    attribute: str
    groups: tuple[str, str]
    words: tuple[str, str]
    found: Association


@dataclass(frozen=True)
class TaskAudit:
    """One task.

    Attributes:
        name, pair: of the task.
        num_queries, num_candidates, num_labelled, num_units: its sizes.
        attributes: each with what was found.
        associations: those whose attribute the task has.
        wrong_modality: share of the first hits, in one pool of all tasks, that are not of the modality asked for; None where that has but
            one. `wrong_by_chance` is the share of the pool that is not.
    """

    name: str
    pair: str
    num_queries: int
    num_candidates: int
    num_labelled: int
    num_units: int
    attributes: tuple[AttributeAudit, ...]
    associations: tuple[NamedAssociation, ...]
    wrong_modality: float | None
    wrong_by_chance: float | None


@dataclass(frozen=True)
class AuditResult:
    """What was found in a suite with a checkpoint."""

    suite: str
    checkpoint: str
    ks: tuple[int, ...]
    tasks: tuple[TaskAudit, ...]

    def to_json(self) -> str:
        """Returns all of it; what is infinite (the skew of a group that is never shown) is null."""
        return json.dumps(_finite(asdict(self)), ensure_ascii=False, indent=1) + "\n"

    def told(self) -> list[str]:
        """Returns a line for each task and attribute: the main values, and which groups are told apart."""
        return [
            *(f"{task.name}, {found.name}: {line}" for task in self.tasks for found in task.attributes for line in _told(found)),
            *(f"{task.name}, {found.name}: {told_association(found)}" for task in self.tasks for found in task.associations),
        ]


def told_association(found: NamedAssociation) -> str:
    """Returns an association in words: its effect, and which group is nearer to which words where p is below 0.05."""
    side = 0 if found.found.effect > 0 else 1
    low, high = found.found.interval
    nearer = f"{found.groups[side]} nearer to {found.words[0]}, {found.groups[1 - side]} to {found.words[1]}"
    return (
        f"{' and '.join(found.groups)} with {' and '.join(found.words)}: effect {found.found.effect:+.2f} ({low:+.2f} to {high:+.2f}), "
        f"p {found.found.p:.4f}; {nearer if found.found.p < 0.05 else 'not told apart'}"
    )


def _told(found: AttributeAudit) -> Iterator[str]:
    for compared in found.parity[:1]:
        low, high = (choose(compared.groups, key=lambda group: group.value) for choose in (min, max))
        yield (
            f"R@{compared.k} from {100 * low.value:.1f} ({low.group}) to {100 * high.value:.1f} ({high.group}); "
            f"{_apart([_points(group) for group in compared.groups if group.is_apart], compared)}"
        )
    for seen in found.skew[-1:]:
        apart = [f"{group.group} {group.skew:+.2f}" for group in seen.groups if group.is_apart]
        yield f"skew@{seen.k} from {seen.min_skew:+.2f} to {max(group.skew for group in seen.groups):+.2f}; {_apart(apart)}"


def _points(group: GroupValue) -> str:
    return f"{group.group} {100 * group.difference:+.1f}"


def _apart(names: list[str], compared: Parity | None = None) -> str:
    least = 0 if compared is None else least_units(len(compared.groups))
    few = [group.group for group in compared.groups if group.num_units < least] if compared is not None else []
    why = f", for want of units: {', '.join(few)} (fewer than {least})" if few else ""
    return f"told apart: {', '.join(names)}" if names else f"none told apart{why}"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
