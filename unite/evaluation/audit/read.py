"""The tasks of a suite with their labels, and the candidates of each association: what is refused, before an embedding is made."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from unite.config.schema.audit import AssociationConfig, AuditOptions
from unite.errors import ConfigError, must_be, must_be_one_of
from unite.evaluation.audit.labels import Labels, check_pools, no_labels, read_labels
from unite.evaluation.layouts.source import MissingTaskError
from unite.evaluation.suite import Suite
from unite.evaluation.tasks import RetrievalTask

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Targets:
    """The candidates of an association: (N,) rows of the task, and whether each is of the first group."""

    rows: tuple[int, ...]
    is_first: tuple[bool, ...]


@dataclass(frozen=True, eq=False)
class LabelledTask:
    """A task with its labels, and the targets of the associations that it has the attributes of, by name."""

    task: RetrievalTask
    labels: Labels
    targets: dict[str, Targets]


def read_tasks(suite: Suite, options: AuditOptions) -> tuple[dict[str, RetrievalTask], dict[str, LabelledTask]]:
    """Returns the tasks that are on disk, and those that have labels.

    Raises:
        DataError: if no task has labels, or they are faulty.
        ConfigError: if an option does not fit the labels or the pools.
    """
    tasks: dict[str, RetrievalTask] = {}
    for name in suite.tasks:
        try:
            tasks[name] = suite.load(name)
        except MissingTaskError as error:
            log.warning("%s/%s is not audited: %s", suite.name, name, error)
    labelled: dict[str, LabelledTask] = {}
    for name, task in tasks.items():
        if (labels := read_labels(task, options.attributes, options.only)) is not None:
            for attribute in labels.attributes:
                check_pools(task, attribute, max(options.ks))
            chosen = {one: _targets(one, task, labels, wanted) for one, wanted in options.associations.items()}
            labelled[name] = LabelledTask(task, labels, {one: targets for one, targets in chosen.items() if targets is not None})
    if not labelled:
        raise no_labels(suite.name, list(suite.tasks))
    for name, wanted in options.associations.items():
        if not any(name in one.targets for one in labelled.values()):
            known = sorted({attribute.name for one in labelled.values() for attribute in one.labels.attributes})
            asked = ", ".join([wanted.attribute, *wanted.only])
            hint = "association=none leaves words out."
            expected = f"attributes that one task has ({', '.join(known)})"
            raise ConfigError(must_be(f"the attributes of audit.associations.{name}", expected, asked, hint))
    return tasks, labelled


def _targets(name: str, task: RetrievalTask, labels: Labels, wanted: AssociationConfig) -> Targets | None:
    """Returns the candidates of an association; None where the task lacks one of its attributes.

    Raises:
        ConfigError: if the attribute has no such group, or a group is left with less than two candidates.
    """
    known = {attribute.name: attribute for attribute in labels.attributes}
    if not {wanted.attribute, *wanted.only} <= set(known):
        return None
    asked = [(wanted.attribute, group) for group in wanted.groups] + list(wanted.only.items())
    for attribute, group in asked:
        if group not in known[attribute].groups:
            raise ConfigError(must_be_one_of(f"a group of {attribute} in audit.associations.{name}", known[attribute].groups, group))
    of = known[wanted.attribute].of
    first, second = (known[wanted.attribute].groups.index(group) for group in wanted.groups)
    restricted = [(known[attribute].of, known[attribute].groups.index(group)) for attribute, group in wanted.only.items()]
    rows = tuple(
        row
        for row, candidate in enumerate(task.candidate_ids)
        if of.get(candidate) in (first, second) and all(groups.get(candidate) == group for groups, group in restricted)
    )
    is_first = tuple(of[task.candidate_ids[row]] == first for row in rows)
    for group, count in zip(wanted.groups, (sum(is_first), len(is_first) - sum(is_first)), strict=True):
        if count < 2:
            expected = "that of at least two candidates that `only` leaves"
            raise ConfigError(must_be(f"group {group} of audit.associations.{name} in task {task.name}", expected, count))
    return Targets(rows, is_first)
