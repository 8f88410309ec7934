"""Recipes side by side on the suites that all of them have: values, intervals, differences from the first one.

A recipe of several seeds counts each query with its mean over the seeds: the intervals and tests then speak of other queries, and the
deviation beside them of other seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unite.comparison.evaluated_runs import TrainingRecipe
from unite.comparison.suite_comparison import MEAN, Cell, Difference, SuiteComparison, Task, main_metric_of
from unite.errors import DataError, first_of, must_be
from unite.evaluation.intervals import bootstrap_interval, mean_interval
from unite.evaluation.metrics import per_query
from unite.evaluation.results import HELD_IN, MAIN_METRIC, SuiteResult, TaskResult
from unite.evaluation.significance import holm, sign_flip_test


def compare(recipes: Sequence[TrainingRecipe]) -> list[SuiteComparison]:
    """Compares recipes with the first of them, suite by suite.

    Raises:
        DataError: if no suite, or no task of a suite, was evaluated in every run.
    """
    runs = [run for recipe in recipes for run in recipe.runs]
    shared = [name for name in runs[0].suites if all(name in run.suites for run in runs)]
    if not shared:
        found = "; ".join(f"{run.name}: {', '.join(run.suites)}" for run in runs)
        raise DataError(must_be("the suites of the runs", "at least one that all of them have", found, "Evaluate them on the same suite."))
    compared = {name: _suite(name, recipes) for name in shared}
    inside = {name for name in compared if name.endswith(HELD_IN) and name.removesuffix(HELD_IN) in compared}
    return [replace(suite, held_in=compared.get(name + HELD_IN)) for name, suite in compared.items() if name not in inside]


def _suite(name: str, recipes: Sequence[TrainingRecipe]) -> SuiteComparison:
    results = {recipe.name: [run.suites[name] for run in recipe.runs] for recipe in recipes}
    everyone = [result for several in results.values() for result in several]
    names = dict.fromkeys(task for result in everyone for task in (*result.tasks, *result.missing))
    labels = [run.name for recipe in recipes for run in recipe.runs]
    missing = {task: reason for task in names if (reason := _not_comparable(task, everyone, labels))}
    tasks = {task: _describe(task, everyone[0].tasks[task]) for task in names if task not in missing}
    if not tasks:
        raise DataError(f"no task of suite {name} can be compared. " + " ".join(f"{task}: {why}" for task, why in missing.items()))
    runs = list(zip(labels, everyone, strict=True))
    tied = {task: {label: share for label, result in runs if (share := result.tasks[task].tied_share)} for task in tasks}
    groups = {group: names for group, names in everyone[0].groups.items() if set(names) <= set(tasks)}
    pairs = {MEAN: tuple(task for task, known in tasks.items() if known.kind == "pair")}
    of_groups = {f"{MEAN}_{group}": members for group, members in groups.items()}
    means = {mean: members for mean, members in (pairs | of_groups).items() if members}
    cells: dict[str, dict[str, dict[str, Cell]]] = {}
    values: dict[str, dict[str, NDArray[np.float64]]] = {}
    for recipe, several in results.items():
        seeds = {task: {metric: _values(several, task, metric) for metric in known.metrics} for task, known in tasks.items()}
        cells[recipe] = {task: {metric: _cell([table]) for metric, table in tables.items()} for task, tables in seeds.items()}
        for mean, members in means.items():
            common = [metric for metric in tasks[members[0]].metrics if all(metric in tasks[task].metrics for task in members)]
            cells[recipe][mean] = {metric: _cell([seeds[task][metric] for task in members]) for metric in common}
            if main_metric_of(members, tasks) == MAIN_METRIC:
                cells[recipe][mean][MAIN_METRIC] = _cell([seeds[task][tasks[task].metric] for task in members])
        values[recipe] = {task: seeds[task][known.metric].mean(axis=0) for task, known in tasks.items()}
    baseline = recipes[0]
    differences = {
        recipe.name: {
            task: replace(difference, seed_error=_seed_error(recipe, baseline, task, cells, tasks))
            for task, difference in _differences(values[recipe.name], values[baseline.name], means).items()
        }
        for recipe in recipes[1:]
    }
    tied = {task: found for task, found in tied.items() if found}
    return SuiteComparison(name, tasks, cells, differences, None, missing, tied, groups)


def _not_comparable(task: str, results: Sequence[SuiteResult], labels: Sequence[str]) -> str:
    """Returns why a task cannot be compared, or nothing."""
    without = [label for label, result in zip(labels, results, strict=True) if task not in result.tasks]
    if without:
        return f"not evaluated in {first_of(without) if len(without) < len(results) else 'any run'}"
    first = results[0].tasks[task]
    for label, result in zip(labels[1:], results[1:], strict=True):
        other = result.tasks[task]
        if first.judged.keys() != other.judged.keys():
            both = len(first.judged.keys() & other.judged.keys())
            return f"{labels[0]} has {first.num_queries} queries and {label} {other.num_queries}, of which {both} have the same id"
        if sorted(first.pool_sizes) != sorted(other.pool_sizes) or first.num_candidates != other.num_candidates:
            return f"ranked among {first.pool_size} candidates in {labels[0]}, among {other.pool_size} in {label}"
        if first.ties != other.ties:
            return f"equal scores are ranked by {first.ties} in {labels[0]}, by {other.ties} in {label}"
        if first.data and other.data and first.data != other.data:
            return f"{labels[0]} and {label} were evaluated on different contents under the same ids"
        if first.metrics.keys() != other.metrics.keys():
            return f"{labels[0]} and {label} have other metrics ({', '.join(first.metrics)}; {', '.join(other.metrics)})"
    return ""


def _describe(name: str, task: TaskResult) -> Task:
    metric = task.main_metric
    return Task(name, task.pair, task.kind, metric, task.num_queries, task.pool_size, task.chance(metric), tuple(task.metrics), task.ties)


def _values(seeds: Sequence[SuiteResult], task: str, metric: str) -> NDArray[np.float64]:
    """Returns (seeds, Q) values, the queries in the order of the ids."""
    judged = (result.tasks[task].judged for result in seeds)
    return np.stack([per_query(metric, [by_id[query] for query in sorted(by_id)]) for by_id in judged])


def _cell(tables: Sequence[NDArray[np.float64]]) -> Cell:
    """Returns the cell of (seeds, Q) values of one task, or of the mean over several."""
    by_seed = np.mean([table.mean(axis=1) for table in tables], axis=0)
    queries = [table.mean(axis=0) for table in tables]
    return Cell(float(by_seed.mean()), mean_interval(*queries), float(by_seed.std(ddof=1)) if len(by_seed) > 1 else None)


def _differences(
    values: Mapping[str, NDArray[np.float64]], baseline: Mapping[str, NDArray[np.float64]], means: Mapping[str, Sequence[str]]
) -> dict[str, Difference]:
    by_query = {task: values[task] - baseline[task] for task in values}
    p_values = {task: sign_flip_test(differences) for task, differences in by_query.items()}
    adjusted = holm(p_values)
    found = {
        task: _difference(float(differences.mean()), bootstrap_interval(differences), p_values[task], adjusted[task], differences)
        for task, differences in by_query.items()
    }
    for mean, names in means.items():  # a test of its own, in which every task weighs the same
        members = [by_query[name] for name in names]
        p = sign_flip_test(np.concatenate([differences / len(differences) for differences in members]))
        value = float(np.mean([differences.mean() for differences in members]))
        found[mean] = _difference(value, bootstrap_interval(*members), p, p, np.concatenate(members))
    return found


def _difference(value: float, interval: tuple[float, float], p: float, adjusted: float, by_query: NDArray[np.float64]) -> Difference:
    return Difference(value, interval, p, adjusted, int((by_query > 0).sum()), int((by_query < 0).sum()))


def _seed_error(
    recipe: TrainingRecipe,
    baseline: TrainingRecipe,
    task: str,
    cells: Mapping[str, Mapping[str, Mapping[str, Cell]]],
    tasks: Mapping[str, Task],
) -> float | None:
    """Returns the standard error of a difference over seeds; a recipe of one seed is taken to vary as the other does."""
    found = {side.name: cells[side.name][task] for side in (recipe, baseline)}
    metric = tasks[task].metric if task in tasks else next(iter(found[recipe.name]), "")
    deviations = {name: known[metric].deviation if metric in known else None for name, known in found.items()}
    measured = [deviation for deviation in deviations.values() if deviation is not None]
    if not measured:
        return None
    variances = [(deviations[side.name] or max(measured)) ** 2 / len(side.runs) for side in (recipe, baseline)]
    return float(np.sqrt(sum(variances)))
