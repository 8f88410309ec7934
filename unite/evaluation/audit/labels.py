"""Which candidates of a task are of which group: the labels, checked before anything is embedded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unite.errors import ConfigError, DataError, first_of, must_be, must_be_one_of
from unite.evaluation.tasks import RetrievalTask

#: The attribute that names what a candidate is a variant of: no group, but what is resampled together.
UNIT = "unit"
_HOW = "Labels are {candidate id: {attribute: group}}, in labels.json of a task's folder or in `labels` of a content in shards of pairs."


@dataclass(frozen=True)
class Attribute:
    """What candidates are told apart by.

    Attributes:
        name: `skin tone`.
        groups: at least two, in the order in which the candidates show them.
        of: candidate id -> place of its group in `groups`; candidates without a label are not there.
    """

    name: str
    groups: tuple[str, ...]
    of: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of a task: its attributes, and the unit of each candidate, which is its id where none is given."""

    attributes: tuple[Attribute, ...]
    unit: Mapping[str, str]


def read_labels(task: RetrievalTask, attributes: Sequence[str] | None = None, only: Mapping[str, str] | None = None) -> Labels | None:
    """Returns the labels of a task; None where its candidates have none.

    Args:
        task: to be audited.
        attributes: the ones wanted; all by default.
        only: attribute -> group: the labels of other candidates are passed over.

    Raises:
        DataError: if a label is of an unknown candidate, an attribute has one group, or a group one candidate.
        ConfigError: if an attribute or group that is named is not there.
    """
    unknown = [name for name in task.labels if name not in set(task.candidate_ids)]
    if unknown:
        raise DataError(must_be(f"the candidates with labels in task {task.name}", "candidates of the task", first_of(unknown)))
    known: dict[str, dict[str, str]] = {}
    for candidate in task.candidate_ids:
        for attribute, group in task.labels.get(candidate, {}).items():
            known.setdefault(attribute, {})[candidate] = group
    units = known.pop(UNIT, {})
    if not known:
        return None
    for option, names in (("attributes", attributes or ()), ("only", only or ())):
        for name in names:
            if name not in known:
                raise ConfigError(must_be_one_of(f"an attribute of task {task.name} in audit.{option}", known, name))
    for name, group in (only or {}).items():
        of = known[name]
        if group not in of.values():
            raise ConfigError(must_be_one_of(f"audit.only.{name} in task {task.name}", sorted(set(of.values())), group))
        known = {other: {one: label for one, label in groups.items() if of.get(one) == group} for other, groups in known.items()}
    wanted = attributes or [name for name in known if name not in (only or ())]
    return Labels(
        tuple(_attribute(task.name, name, known[name]) for name in wanted),
        {candidate: units.get(candidate, candidate) for candidate in task.candidate_ids},
    )


def check_pools(task: RetrievalTask, attribute: Attribute, k: int) -> None:
    """Raises ConfigError if a query is ranked against fewer than k candidates with a label, DataError if against none."""
    pools = {"": task.candidate_ids} if task.pools is None else {query: task.pools[query] for query in task.query_ids}
    counts = {query: sum(name in attribute.of for name in pool) for query, pool in pools.items()}
    without = [query for query, count in counts.items() if not count]
    if without:
        expected = f"given candidates with a {attribute.name} in their pools"
        hint = "Label some there, leave such queries out, or name the other attributes in audit.attributes."
        raise DataError(must_be(f"the queries of task {task.name}", expected, f"none for {first_of(without)}", hint))
    smallest = min(counts.values())
    if k > smallest:
        expected = f"at most {smallest}, the candidates with a {attribute.name} in the smallest pool of task {task.name}"
        raise ConfigError(must_be("audit.ks", expected, k))


def no_labels(suite: str, tasks: Sequence[str]) -> DataError:
    """Returns what to raise where no task has labels."""
    return DataError(
        must_be(f"the candidates of suite {suite} ({first_of(list(tasks))})", "given labels in at least one task", "without", _HOW)
    )


def _attribute(task: str, name: str, group_of: Mapping[str, str]) -> Attribute:
    counts = Counter(group_of.values())
    if len(counts) < 2:
        hint = "There is nothing to compare: label the others too, or name the other attributes in audit.attributes."
        raise DataError(must_be(f"the groups of {name} in task {task}", "at least two", next(iter(counts), "none"), hint))
    alone = [group for group, count in counts.items() if count == 1]
    if alone:
        hint = "Nothing can be told of one: put it into another group, or leave its label out."
        raise DataError(must_be(f"the candidates of {name} {first_of(alone)} in task {task}", "at least two", 1, hint))
    groups = tuple(counts)
    return Attribute(name, groups, {candidate: groups.index(group) for candidate, group in group_of.items()})
