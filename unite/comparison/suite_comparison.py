"""What a comparison of recipes on a suite holds: a table of cells, differences from the first recipe, and what they are of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from unite.evaluation.results import MAIN_METRIC

#: The mean over the modality pairs stands among the tasks under this name, which no task may have.
MEAN = "mean"
ALPHA = 0.05


@dataclass(frozen=True)
class Cell:
    """One recipe on one task (or the mean over pairs), 0 to 1.

    Attributes:
        value: of the metric, the mean over seeds and queries.
        interval: 95%, over the queries.
        deviation: over the seeds (n - 1 in the denominator); None for one seed.
    """

    value: float
    interval: tuple[float, float]
    deviation: float | None = None


@dataclass(frozen=True)
class Difference:
    """A recipe minus the baseline on one task, by query.

    Attributes:
        value, interval: of the mean difference, 95% bootstrap.
        p: of the paired randomisation test.
        adjusted: p after Holm over the suite's tasks.
        won, lost: queries that it did better, worse.
        seed_error: standard error of the difference over seeds; None where no recipe has several.
    """

    value: float
    interval: tuple[float, float]
    p: float
    adjusted: float
    won: int
    lost: int
    seed_error: float | None = None

    @property
    def verdict(self) -> int:
        """1 better, -1 worse, 0 not told apart: p is above 5%, or the seeds alone differ as much."""
        return (1 if self.value > 0 else -1) if self.adjusted < ALPHA and not self.within_seeds else 0

    @property
    def within_seeds(self) -> bool:
        """Whether it is within two standard errors over seeds."""
        return self.seed_error is not None and abs(self.value) < 2 * self.seed_error


@dataclass(frozen=True)
class Task:
    """What is known of a task without a recipe: its main metric and what chance makes of that, its pair, who is compared on it."""

    name: str
    pair: str
    kind: str
    metric: str
    num_queries: int
    pool_size: str
    chance: float | None
    metrics: tuple[str, ...]
    ties: str


@dataclass(frozen=True)
class SuiteComparison:
    """One suite.

    Attributes:
        name: of the suite.
        tasks: by name; those that every recipe was evaluated on, with equal queries.
        cells: recipe -> task, or "mean" -> metric -> cell.
        differences: recipe (all but the first) -> task, or "mean" -> difference in the task's metric.
        held_in: the comparison of the same tasks over training data, where there is one.
        missing: task -> why it is not compared.
        tied: task -> run -> share of its queries that the rule of ties decides, where that is to be told; 1 where all scores are equal.
        groups: name -> its tasks, where all of them are compared; their means stand among the tasks as "mean_<group>".
    """

    name: str
    tasks: Mapping[str, Task]
    cells: Mapping[str, Mapping[str, Mapping[str, Cell]]]
    differences: Mapping[str, Mapping[str, Difference]]
    held_in: SuiteComparison | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    tied: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def main(self, recipe: str, task: str) -> Cell | None:
        """Returns the cell of the task's own metric, R@1 as a rule; of a mean, that of its tasks."""
        metrics = self.cells[recipe].get(task, {})
        return metrics.get(self.tasks[task].metric if task in self.tasks else main_metric_of(self.members(task), self.tasks))

    def difference(self, recipe: str, task: str) -> Difference | None:
        """Returns how far a recipe is from the baseline; None for the baseline itself."""
        return self.differences.get(recipe, {}).get(task)

    def chance(self, task: str) -> float | None:
        """Returns what a random ranking is expected to reach in a task's own metric, or in a mean; None where that is not known."""
        members = [self.tasks[task]] if task in self.tasks else [self.tasks[name] for name in self.members(task)]
        chances = [known.chance for known in members if known.chance is not None and known.metric == members[0].metric]
        return float(np.mean(chances)) if len(chances) == len(members) > 0 else None

    def near_chance(self, task: str) -> bool:
        """Returns whether nobody is told apart from chance: the interval of the best begins at or below it. Then nobody is best."""
        chance = self.chance(task)
        best = max((cell for recipe in self.cells if (cell := self.main(recipe, task))), key=lambda cell: cell.value, default=None)
        return chance is not None and best is not None and best.interval[0] <= chance

    def members(self, mean: str) -> tuple[str, ...]:
        """Returns the tasks that a mean is over; none of a name that there is not."""
        pairs = tuple(name for name, task in self.tasks.items() if task.kind == "pair")
        return pairs if mean == MEAN else self.groups.get(mean.removeprefix(f"{MEAN}_"), ())

    @property
    def order(self) -> tuple[str, ...]:
        """The tasks, then the means."""
        rows = next(iter(self.cells.values()))
        return (*self.tasks, *(name for name in rows if name not in self.tasks))

    @property
    def mean_metric(self) -> str:
        """The metric that the mean is told by."""
        return main_metric_of(self.members(MEAN), self.tasks)


def main_metric_of(members: Sequence[str], tasks: Mapping[str, Task]) -> str:
    """Returns the metric that a mean is told by: that of its tasks, or the mean of each one's own; "" without tasks."""
    metrics = dict.fromkeys(tasks[task].metric for task in members)
    return next(iter(metrics), "") if len(metrics) < 2 else MAIN_METRIC
