"""What a card tells of a suite beside its tasks' main metrics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unite.evaluation.intervals import Interval, mean_interval
from unite.evaluation.metrics import per_query
from unite.evaluation.pair_names import modality_order
from unite.evaluation.results import SuiteResult, TaskResult

#: Columns beside the main metric: a card is read, not computed with.
_MOST = 4


@dataclass(frozen=True)
class PairMean:
    """The mean of the main metrics of the tasks of a modality pair, `text->image`; of all pairs where `pair` is empty."""

    pair: str
    value: float
    interval: Interval
    num_tasks: int


def other_metrics(suite: SuiteResult) -> list[str]:
    """Returns the metrics that all tasks have and none has as its main one, in their order."""
    tasks = list(suite.tasks.values())
    main = {task.main_metric for task in tasks}
    shared = [name for name in tasks[0].metrics if all(name in task.metrics for task in tasks)] if tasks else []
    return [name for name in shared if name not in main][:_MOST]


def pair_means(suite: SuiteResult) -> list[PairMean]:
    """Returns the mean over each modality pair that has several tasks, then over all; a subset is no part of it, as of the score."""
    tasks = [task for task in suite.tasks.values() if task.kind == "pair" and task.metrics] or list(suite.tasks.values())
    by_pair: dict[str, list[TaskResult]] = {}
    for task in tasks:
        by_pair.setdefault(task.pair, []).append(task)
    pairs = sorted(by_pair, key=lambda pair: tuple(map(modality_order, pair.split("->"))))
    several = [_mean(pair, by_pair[pair]) for pair in pairs if len(by_pair[pair]) > 1]
    return [*several, _mean("", tasks)] if len(tasks) > 1 else several


def _mean(pair: str, tasks: list[TaskResult]) -> PairMean:
    values = [per_query(task.main_metric, task.judged.values()) for task in tasks]
    return PairMean(pair, float(np.mean([value.mean() for value in values])), mean_interval(*values), len(tasks))
