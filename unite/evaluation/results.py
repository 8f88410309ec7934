"""What an evaluation found: per task the metrics, and the ranks they come from, so that any comparison can be made later.

They lie in a run's folder as `<suite>.json`, with the ranks, and flat in `metrics.json`, `suite/task/metric` -> value, with the score.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from unite.errors import DataError, must_be
from unite.evaluation.intervals import mean_interval
from unite.evaluation.metrics import Judged, chance_of, per_query
from unite.evaluation.score import Score
from unite.files import read_json, write_json

#: What the mean over tasks of different main metrics, each by its own, is called.
MAIN_METRIC = "main_metric"
#: Ends the name under which a suite's held-in part has results of its own.
HELD_IN = "_held_in"
#: The share of queries from which on it is told that the rule of ties decides them: a few equal candidates are in many benchmarks.
TIED_SHARE = 0.01


@dataclass(frozen=True)
class TaskResult:
    """One task, evaluated.

    Attributes:
        pair: `text->image`.
        kind: "pair" or "subset".
        num_candidates: all of the task's.
        pool_sizes: (Q,) candidates that each query was ranked against.
        judged: query id -> where its relevant candidates stand, (Q,) of them.
        metrics: name -> mean over the queries; the first is the main one.
        intervals: name -> 95% interval of that mean, see `mean_interval`.
        seconds: embedding and ranking.
        data: fingerprint of contents, relevance and pools; empty where it was not recorded.
        ties: the rule by which equal scores are ranked, see `unite.evaluation.tasks.TIES`.
        num_tied: queries of which a right candidate has the score of a wrong one, since their embeddings are equal: there the rule decides.
        all_tied: whether all scores are equal.
    """

    pair: str
    kind: str
    num_candidates: int
    pool_sizes: tuple[int, ...]
    judged: dict[str, Judged]
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    seconds: float = 0.0
    data: str = ""
    ties: str = "trec_eval"
    num_tied: int = 0
    all_tied: bool = False

    @classmethod
    def of_ranks(
        cls,
        judged: Mapping[str, Judged],
        metrics: tuple[str, ...],
        *,
        pair: str,
        kind: str,
        num_candidates: int,
        pool_sizes: tuple[int, ...],
        seconds: float = 0.0,
        data: str = "",
        ties: str = "trec_eval",
        num_tied: int = 0,
        all_tied: bool = False,
    ) -> TaskResult:
        """Computes the means and their intervals."""
        values = {name: per_query(name, judged.values()) for name in metrics}
        return cls(
            pair=pair,
            kind=kind,
            num_candidates=num_candidates,
            pool_sizes=pool_sizes,
            judged=dict(judged),
            metrics={name: float(value.mean()) for name, value in values.items()},
            intervals={name: mean_interval(value) for name, value in values.items()},
            seconds=seconds,
            data=data,
            ties=ties,
            num_tied=num_tied,
            all_tied=all_tied,
        )

    @property
    def num_queries(self) -> int:
        """Q."""
        return len(self.judged)

    @property
    def tied_share(self) -> float:
        """The share of queries that the rule of ties decides, 0 where it is below `TIED_SHARE`."""
        share = 1.0 if self.all_tied else self.num_tied / self.num_queries
        return share if share >= TIED_SHARE else 0.0

    @property
    def pool_size(self) -> str:
        """`256`, or `8 to 12` where the pools differ."""
        low, high = min(self.pool_sizes), max(self.pool_sizes)
        return str(low) if low == high else f"{low} to {high}"

    @property
    def main_metric(self) -> str:
        """The metric that the task is told by, its first; empty if it has none."""
        return next(iter(self.metrics), "")

    @property
    def near_chance(self) -> bool:
        """Whether its main metric is not told apart from a random ranking's: its interval begins at or below that."""
        chance = self.chance(self.main_metric) if self.metrics else None
        return chance is not None and self.intervals[self.main_metric][0] <= chance

    def chance(self, metric: str) -> float | None:
        """Returns what a random ranking is expected to reach; None where that is not known (see `chance_of`)."""
        values = [chance_of(metric, len(query.ranks), size) for query, size in zip(self.judged.values(), self.pool_sizes, strict=True)]
        known = [value for value in values if value is not None]
        return float(np.mean(known)) if known else None


@dataclass(frozen=True)
class SuiteResult:
    """One suite, evaluated.

    Attributes:
        name: of the suite, the first part of its metric keys.
        tasks: by name, in the suite's order.
        missing: name of each task that could not be run -> why, and what to put where.
        groups: name -> tasks over which a mean of its own is reported.
    """

    name: str
    tasks: dict[str, TaskResult]
    missing: dict[str, str] = field(default_factory=dict)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """All tasks together."""
        return sum(task.seconds for task in self.tasks.values())

    def means(self) -> dict[str, float]:
        """Returns the mean over the modality pairs of every metric that all of them have; a subset is no part of it.

        Where their main metrics differ there is the mean of these too, as `main_metric`.
        """
        return _means([task for task in self.tasks.values() if task.kind == "pair"])

    def group_means(self) -> dict[str, dict[str, float]]:
        """Returns such means over each group; a group that lacks a task has none."""
        whole = {group: names for group, names in self.groups.items() if set(names) <= set(self.tasks)}
        return {group: _means([self.tasks[name] for name in names]) for group, names in whole.items()}

    @property
    def score(self) -> Score:
        """The mean of the main metrics over the modality pairs; over the subsets where there is nothing else."""
        pairs = {name: task for name, task in self.tasks.items() if task.kind == "pair"} or self.tasks
        main = {name: (task.main_metric, task.metrics[task.main_metric]) for name, task in pairs.items() if task.metrics}
        rules: dict[str, list[str]] = {}
        for name, task in pairs.items():
            rules.setdefault(task.ties, []).append(name)
        ties = "; ".join(rule if len(rules) == 1 else f"{rule}: {', '.join(names)}" for rule, names in rules.items())
        tied = {name: task.tied_share for name, task in pairs.items() if task.tied_share}
        return Score.of_main_metrics(self.name, main, tuple(self.missing), ties, tied)

    def metrics(self) -> dict[str, float]:
        """Returns every metric by its key, `suite/task/recall@10`.

        The means over the modality pairs are `suite/mean/recall@10`, those over a group `suite/mean_<group>/recall@10`.
        """
        keys = {f"{self.name}/{task}/{name}": value for task, found in self.tasks.items() for name, value in found.metrics.items()}
        means = {"mean": self.means()} | {f"mean_{group}": values for group, values in self.group_means().items()}
        return keys | {f"{self.name}/{mean}/{name}": value for mean, values in means.items() for name, value in values.items()}

    def to_json(self) -> str:
        """Returns all of it, ranks included, for `from_json`."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> SuiteResult:
        """Reads what `to_json` wrote.

        Raises:
            DataError: if the text is something else.
        """
        try:
            fields = json.loads(text)
            groups = {group: tuple(names) for group, names in fields.get("groups", {}).items()}
            return cls(fields["name"], {name: _task(of_task) for name, of_task in fields["tasks"].items()}, dict(fields["missing"]), groups)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"this is no result of a suite ({error!r}): {text[:80]!r}") from error


class Measured(Protocol):
    """What has metrics: the result of a suite, its diagnosis."""

    def metrics(self) -> dict[str, float]:
        """Returns each by its key, `suite/task/metric`."""
        ...


def write_metrics(path: str | Path, *results: Measured, score: Score | None = None) -> None:
    """Writes `{"suite/task/metric": value}` of all results as JSON, whole or not at all; before them the score, and what it is."""
    metrics = {key: value for result in results for key, value in result.metrics().items()}
    write_json(path, (score.record() if score else {}) | metrics)


def read_suites(folder: Path) -> dict[str, SuiteResult]:
    """Returns the suites that the metrics in a run's folder are of, by name; none where it was not evaluated.

    Raises:
        DataError: if the results of one are not there, or cannot be read.
    """
    if not (folder / "metrics.json").is_file():
        return {}
    names = dict.fromkeys(key.partition("/")[0] for key in read_json(folder / "metrics.json") if "/" in key)  # the score is of no suite
    found = {}
    for name in names:
        path = folder / f"{name}.json"
        if not path.is_file():
            raise DataError(must_be(str(path), "there, as metrics.json names its suite", "missing", "Evaluate the run again."))
        try:
            found[name] = SuiteResult.from_json(path.read_text(encoding="utf-8"))
        except DataError as error:
            raise DataError(f"{path}: {error}") from error
    return found


def _means(tasks: list[TaskResult]) -> dict[str, float]:
    shared = [name for name in tasks[0].metrics if all(name in task.metrics for task in tasks)] if tasks else []
    means = {name: float(np.mean([task.metrics[name] for task in tasks])) for name in shared}
    if len({task.main_metric for task in tasks}) > 1 and all(task.metrics for task in tasks):
        means[MAIN_METRIC] = float(np.mean([task.metrics[task.main_metric] for task in tasks]))
    return means


def _task(fields: dict[str, Any]) -> TaskResult:
    judged = {query: Judged(tuple(found["ranks"]), tuple(found["grades"])) for query, found in fields.pop("judged").items()}
    intervals = {name: (float(low), float(high)) for name, (low, high) in fields.pop("intervals").items()}
    return TaskResult(judged=judged, intervals=intervals, **{**fields, "pool_sizes": tuple(fields["pool_sizes"])})
