"""Plots of a comparison as data: marks placed in percent of their track. `charts.html.j2` draws them, the style sheet colours them.

A recipe has one colour (Okabe-Ito, for eyes of every kind) and one shape, everywhere on the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unite.comparison.suite_comparison import MEAN, Cell, Difference, SuiteComparison
from unite.comparison.wording import percent, points, told, whiskers
from unite.evaluation.pair_names import arrow, modality_order, short

NUM_COLOURS, NUM_SHAPES = 7, 4


@dataclass(frozen=True)
class Dot:
    """A value and its interval, in percent of the track's width.

    Attributes:
        place: of the value.
        left, width: of the interval.
        title: what is said of it.
        hollow: whether it is drawn as not told apart.
    """

    place: float
    left: float
    width: float
    title: str
    hollow: bool = False


@dataclass(frozen=True)
class Lane:
    """One recipe in a row: its marks' class names, its value and the held-in one, each None where there is none."""

    mark: str
    dot: Dot | None
    held_in: Cell | None = None


@dataclass(frozen=True)
class Row:
    """One task of a plot.

    Attributes:
        name, about: as the reader sees them.
        kind: "pair", "subset" or "mean".
        lanes: of the recipes, in their order.
        chance: value of a random ranking, 0 to 1; None where it is not known of the metric.
        best: marks and name of each recipe that has the highest value, and that value; None where all are near chance.
        near_chance: whether they are.
        differences: of the recipes from the baseline.
    """

    name: str
    about: str
    kind: str
    lanes: tuple[Lane, ...]
    chance: float | None = None
    best: tuple[tuple[tuple[str, str], ...], float] | None = None
    near_chance: bool = False
    differences: tuple[Difference, ...] = ()

    @property
    def told(self) -> str:
        """All that is drawn in the row, in words."""
        drawn = [lane.dot.title + (f", held-in {percent(lane.held_in.value)}" if lane.held_in else "") for lane in self.lanes if lane.dot]
        chance = [] if self.chance is None else [f"chance: {percent(self.chance)}"]
        return f"{self.name}. {'; '.join([*drawn, *chance])}"


@dataclass(frozen=True)
class Plot:
    """Rows over one axis, with labels from its left end to its right; `centred` where 0 is in the middle."""

    rows: tuple[Row, ...]
    labels: tuple[str, ...]
    centred: bool = False


@dataclass(frozen=True)
class Heatmap:
    """Query modality x candidate modality.

    Attributes:
        title, mark: whose it is.
        columns: short names of the candidates' modalities.
        rows: short name of the queries' modality, and a cell a column: (side, depth, text, title), or None where there is no such task;
            the side is "above" or "below" 0, the depth that of its colour, 0 to 1.
    """

    title: str
    mark: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[str, float, str, str] | None, ...]], ...]


def mark(place: int) -> str:
    """Returns the class names of the recipe at a place: its colour and its shape."""
    return f"c{place % NUM_COLOURS} s{place % NUM_SHAPES}"


def place(value: float) -> str:
    """Returns a place in percent of the track as CSS has it."""
    return f"{value:.2f}%"


def values_plot(suite: SuiteComparison, names: Sequence[str]) -> Plot:
    """Returns one row a task: each recipe's value with its whiskers, the held-in value, chance, and who is best, if anybody is."""

    def lane(index: int, name: str, task: str) -> Lane:
        cell = suite.main(name, task)
        inside = suite.held_in.main(name, task) if suite.held_in and task in suite.held_in.tasks else None
        return Lane(mark(index), _dot(cell, name) if cell else None, inside)

    def row(task: str) -> Row:
        near_chance = suite.near_chance(task)
        found = [(cell.value, mark(index), name) for index, name in enumerate(names) if (cell := suite.main(name, task))]
        most = max((value for value, *_ in found), default=0.0)
        best = None if near_chance or not found else (tuple((marks, name) for value, marks, name in found if value == most), most)
        lanes = tuple(lane(index, name, task) for index, name in enumerate(names))
        return Row(*_about(suite, task), lanes=lanes, chance=suite.chance(task), best=best, near_chance=near_chance)

    return Plot(_rows(suite, row), tuple(str(value) for value in range(0, 101, 20)))


def differences_plot(suite: SuiteComparison, names: Sequence[str]) -> Plot:
    """Returns one row a task: how far each recipe is from the first one; full where the test tells them apart, hollow where not."""
    bounds = [abs(bound) for found in suite.differences.values() for difference in found.values() for bound in difference.interval]
    most = max(0.05, np.ceil(max(bounds, default=0) * 20) / 20)

    def row(task: str) -> Row:
        found = [(index, name, difference) for index, name in enumerate(names) if (difference := suite.difference(name, task)) is not None]
        lanes = tuple(Lane(mark(index), _difference(difference, name, most)) for index, name, difference in found)
        return Row(*_about(suite, task), lanes=lanes, differences=tuple(difference for _, _, difference in found))

    labels = tuple(points(share * most).removesuffix(".0") for share in (-1, -0.5, 0, 0.5, 1))
    return Plot(_rows(suite, row), labels, centred=True)


def heatmaps(suite: SuiteComparison, names: Sequence[str]) -> list[Heatmap]:
    """Returns the values of every recipe by modality pair, then the differences from the first; none if the suite has no pairs."""
    pairs: dict[str, list[str]] = {}
    for name, task in suite.tasks.items():
        if task.kind == "pair":
            pairs.setdefault(task.pair, []).append(name)
    if not pairs:
        return []

    def mean(recipe: str, tasks: Sequence[str]) -> float:
        return float(np.mean([suite.cells[recipe][task][suite.tasks[task].metric].value for task in tasks]))

    values = {name: {pair: mean(name, tasks) for pair, tasks in pairs.items()} for name in names}
    changes = {name: {pair: values[name][pair] - values[names[0]][pair] for pair in pairs} for name in names[1:]}
    most = max([0.05, *(abs(change) for found in changes.values() for change in found.values())])
    shown = [heatmap(name, mark(index), values[name]) for index, name in enumerate(names)]
    return shown + [heatmap(f"{name}, difference", mark(index), changes[name], most) for index, name in enumerate(names[1:], start=1)]


def heatmap(title: str, mark: str, values: Mapping[str, float], most: float | None = None) -> Heatmap:
    """Returns query modality x candidate modality, each cell coloured by its value.

    Args:
        title, mark: whose values they are.
        values: modality pair, `text->image` -> value, 0 to 1.
        most: the value of the deepest colour where they are differences, blue above 0 and orange below; None for values up to 1.
    """

    def cell(pair: str) -> tuple[str, float, str, str] | None:
        if pair not in values:
            return None
        value = values[pair]
        side = "below" if most and value < 0 else "above"
        depth = 0.06 + 0.6 * min(1.0, abs(value) / (most or 1.0))
        return side, depth, points(value) if most else percent(value), arrow(pair)

    sides = [dict.fromkeys(pair.split("->")[side] for pair in values) for side in (0, 1)]
    rows, columns = (sorted(side, key=modality_order) for side in sides)
    lines = tuple((short(row), tuple(cell(f"{row}->{column}") for column in columns)) for row in rows)
    return Heatmap(title, mark, tuple(map(short, columns)), lines)


def _rows(suite: SuiteComparison, row: Callable[[str], Row]) -> tuple[Row, ...]:
    """Returns the means, then the pairs, then the subsets."""
    kinds = {task: suite.tasks[task].kind != "pair" if task in suite.tasks else -1 for task in suite.order}
    return tuple(row(task) for task in sorted(kinds, key=lambda task: kinds[task]))


def _about(suite: SuiteComparison, task: str) -> tuple[str, str, str]:
    """Returns the name, a word about it, and the kind of a task or a mean."""
    if task in suite.tasks:
        known = suite.tasks[task]
        return task, f"{short(known.pair)} \N{MIDDLE DOT} pool {known.pool_size}", known.kind
    return ("mean over pairs", "modality pairs", "mean") if task == MEAN else (task.removeprefix(f"{MEAN}_"), "group", "mean")


def _dot(cell: Cell, name: str) -> Dot:
    low, high = (100 * bound for bound in cell.interval)
    return Dot(100 * cell.value, low, high - low, f"{name}: {percent(cell.value)} ({whiskers(cell)})")


def _difference(difference: Difference, name: str, most: float) -> Dot:
    spots = (difference.interval[0], difference.value, difference.interval[1])
    low, middle, high = (50 + 50 * max(-1.0, min(1.0, value / most)) for value in spots)
    return Dot(middle, low, high - low, f"{name}: {told(difference)}", hollow=not difference.verdict)
