"""What came out of mteb: main scores, and of each benchmark the means that it defines itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from unite.evaluation.score import Score, not_run


@dataclass(frozen=True)
class BenchmarkScore:
    """A benchmark that was asked for by name.

    Attributes:
        means: what mteb's own `Benchmark.get_score` returns, `Mean(TaskType)` say, the one that the benchmark is told by first; none where
            tasks are missing, since mteb then has none either, but `Mean(Public)` where private ones alone are.
        tasks: how many it has.
        not_run: those of them that could not be run.
    """

    means: dict[str, float]
    tasks: int
    not_run: tuple[str, ...] = ()


@dataclass(frozen=True)
class MtebEvaluation:
    """What came out of mteb.

    Attributes:
        suite: the first part of the metric keys.
        scores: task -> (main score's name, its mean over splits and subsets, the task's type, its modalities).
        failed: task -> why it could not be run.
        benchmarks: those asked for by name.
        alone: the tasks that were asked for by their own names.
        settings: what differs from how mteb is run by default, for the reader.
    """

    suite: str
    scores: dict[str, tuple[str, float, str, str]]
    failed: dict[str, str] = field(default_factory=dict)
    benchmarks: dict[str, BenchmarkScore] = field(default_factory=dict)
    alone: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    def metrics(self) -> dict[str, float]:
        """Returns every main score by its key, `mteb/STS12/cosine_spearman`, and every mean, `mteb/MIEB(lite)/Mean(TaskType)`."""
        tasks = {f"{self.suite}/{task}/{name}": value for task, (name, value, _, _) in self.scores.items()}
        return tasks | {f"{self.suite}/{name}/{mean}": value for name, one in self.benchmarks.items() for mean, value in one.means.items()}

    @property
    def score(self) -> float:
        """What a sweep may optimise."""
        return self.scored.value

    @property
    def scored(self) -> Score:
        """The mean over what was asked for, of a benchmark its own first mean; over all tasks where a benchmark has none, which it says."""
        main = {task: (name, value) for task, (name, value, _, _) in self.scores.items()}
        if not self.benchmarks:
            return Score.of_main_metrics(self.suite, main, tuple(self.failed))
        without = [name for name, one in self.benchmarks.items() if not one.means]
        if without:
            plain = Score.of_main_metrics(self.suite, main, tuple(self.failed))
            hint = f"{plain.name} that ran, which is not the mean of {', '.join(without)}: not all of its tasks were run"
            return Score(plain.value, hint, plain.mean_of, plain.not_run)
        asked = {f"{self.suite}/{task}/{main[task][0]}": (main[task][1], main[task][0], task) for task in self.alone if task in main}
        for name, one in self.benchmarks.items():
            mean, value = next(iter(one.means.items()))
            asked[f"{self.suite}/{name}/{mean}"] = (value, mean, name)
        told = [f"{metric} of {name}" for _, metric, name in asked.values()]
        name = told[0] if len(told) == 1 else f"mean of {', '.join(told)}"
        return Score(float(np.mean([value for value, _, _ in asked.values()])), name, tuple(asked), tuple(self.failed))

    def table(self) -> Table:
        """Returns a table, one row a task, and the means of each benchmark below."""
        view = Table(title=f"{self.suite}: main scores, in percent", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
        for heading in ("task", "type", "modalities", "main score"):
            view.add_column(heading, overflow="fold")
        view.add_column("value", justify="right", no_wrap=True)
        for task, (name, value, kind, modalities) in self.scores.items():
            view.add_row(task, kind, modalities, name, f"{100 * value:.1f}")
        for benchmark, one in self.benchmarks.items():
            view.add_section()
            for mean, value in one.means.items():
                view.add_row(benchmark, "benchmark", "", mean, f"{100 * value:.1f}")
        return view

    def notes(self) -> list[str]:
        """Returns what is to be known beside the table, a line each."""
        told = not_run(self.failed, "The log tells why.")
        for name, one in self.benchmarks.items():
            if one.not_run:
                means = f"and its {', '.join(one.means)} needs none of them" if one.means else "so it has no mean"
                told.append(f"{name}: {len(one.not_run)} of its {one.tasks} tasks were not run, {means}.")
        if self.settings:
            told.append("Run with " + ", ".join(f"{name}={value}" for name, value in self.settings.items()) + ".")
        return told


def score_benchmark(benchmark: Any, results: Mapping[str, Any], model: str, revision: str) -> BenchmarkScore:
    """Asks mteb for a benchmark's own means.

    Args:
        benchmark: `mteb.Benchmark`.
        results: each of its tasks -> mteb's result, None where it could not be run.
        model, revision: what they are of.
    """
    from mteb.benchmarks.benchmark import BenchmarkAggregation
    from mteb.results import BenchmarkResults, ModelResult

    means: Mapping[str, float | None] = {}
    not_run = tuple(name for name, result in results.items() if result is None)
    if not not_run:
        of_model = ModelResult(model_name=model, model_revision=revision, task_results=list(results.values()))
        means = benchmark.get_score(BenchmarkResults(model_results=[of_model]))[model]
    elif BenchmarkAggregation.PUBLIC_PRIVATE in benchmark.aggregations:
        private = {task.metadata.name for task in benchmark.tasks if not task.metadata.is_public}
        if private.issuperset(not_run):  # those of the public ones are as whole as ever
            public = [result for name, result in results.items() if name not in private]
            means = {"Mean(Public)": BenchmarkAggregation.PUBLIC_PRIVATE.aggregate(public)["Mean(Public)"]}
    known = {name: float(value) for name, value in means.items() if name != "Rank" and value is not None and not math.isnan(value)}
    first = sorted(known, key=lambda name: not name.startswith("Mean("))  # the others are means of parts
    return BenchmarkScore({name: known[name] for name in first}, len(results), not_run)
