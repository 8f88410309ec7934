"""Scores of recipes over their seeds: mean and interval, which W&B has no panel for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from unite.comparison.dashboard.shown_runs import ShownRun

#: Student's t, 97.5 %, by degrees of freedom from 1; beyond, the normal distribution's.
_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093)
_NORMAL = 1.96


@dataclass(frozen=True)
class OverSeeds:
    """A recipe's score on a suite.

    Attributes:
        mixture, objective: the recipe.
        suite: its name.
        num_seeds: runs.
        mean: of their scores.
        half_width: of the 95 % interval of the mean over other seeds, by Student's t; None for one seed.
    """

    mixture: str
    objective: str
    suite: str
    num_seeds: int
    mean: float
    half_width: float | None


def over_seeds(runs: Sequence[ShownRun]) -> list[OverSeeds]:
    """Returns every recipe's score on every suite, the best first. Runs that differ in the seed alone are one recipe."""
    groups: dict[tuple[str, str], list[ShownRun]] = {}
    for run in runs:
        for suite in run.scores:
            groups.setdefault((suite, run.run.training_recipe), []).append(run)
    found = []
    for (suite, _), same in groups.items():
        mean, half_width = interval([run.scores[suite] for run in same])
        found.append(OverSeeds(same[0].mixture, same[0].objective, suite, len(same), mean, half_width))
    return sorted(found, key=lambda recipe: (recipe.suite, -recipe.mean))


def interval(values: Sequence[float]) -> tuple[float, float | None]:
    """Returns the mean, and half the width of its 95 % interval; None for one value."""
    mean = sum(values) / len(values)
    degrees = len(values) - 1
    if not degrees:
        return mean, None
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / degrees)
    t = _T[degrees - 1] if degrees <= len(_T) else _NORMAL
    return mean, t * deviation / math.sqrt(len(values))


def markdown_table(recipes: Sequence[OverSeeds]) -> str:
    """Returns the recipes as a Markdown table, in percent."""
    lines = ["| suite | mixture | objective | seeds | score | 95 % interval over seeds |", "| --- | --- | --- | --- | --- | --- |"]
    for recipe in recipes:
        half = recipe.half_width
        span = "one seed" if half is None else f"{100 * (recipe.mean - half):.1f} to {100 * (recipe.mean + half):.1f}"
        mixture, objective = (text.replace("|", "\\|") for text in (recipe.mixture, recipe.objective))
        lines.append(f"| {recipe.suite} | {mixture} | {objective} | {recipe.num_seeds} | {100 * recipe.mean:.1f} | {span} |")
    return "\n".join(lines)
