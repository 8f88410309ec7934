"""R@1 by modality pair as one picture; of tasks that have none, their main metric."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from unite.evaluation.pair_names import arrow
from unite.evaluation.results import SuiteResult, TaskResult
from unite.files import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HELD_OUT, _HELD_IN, _CHANCE, _GREY, _DARK = "#2563eb", "#bfd2f9", "#dc2626", "#6b7280", "#1f2937"

_OUT_LABEL, _IN_LABEL, _CHANCE_LABEL = "held-out: new combinations", "held-in: combinations seen in training", "chance"

#: What is drawn of a task that has it -> how it is called.
_NAMES = {"recall@1": "R@1", "hit@1": "R@1"}


def plot_recall(result: SuiteResult, path: str | Path, held_in: SuiteResult | None = None) -> None:
    """Draws the R@1 of every task, or its main metric, as horizontal bars and saves a PNG.

    The held-out result and, where given, the one on combinations seen in training stand side by side; a red tick marks chance.
    """
    with whole_file(path) as partial:
        draw_recall(result, held_in).savefig(partial, format="png", dpi=160)


def draw_recall(result: SuiteResult, held_in: SuiteResult | None = None) -> Figure:
    """Returns the figure that `plot_recall` saves."""
    from matplotlib.figure import Figure  # no pyplot: no global state, and no display needed

    tasks = sorted(result.tasks.items(), key=lambda item: item[1].kind != "pair")  # the pairs, then the subsets
    num_pairs = sum(task.kind == "pair" for _, task in tasks)
    figure = Figure(figsize=(8.5, 1.5 + 0.52 * len(tasks)), layout="constrained")
    axes = figure.add_subplot()
    places = [row + 0.5 * (row >= num_pairs) for row in range(len(tasks))]  # a gap before the subsets
    thickness = 0.36 if held_in else 0.6
    for place, (name, task) in zip(places, tasks, strict=True):
        inside = held_in.tasks.get(name) if held_in else None
        shift = thickness / 2 if inside else 0
        if inside:
            axes.barh(place + shift, 100 * _value(inside), thickness, color=_HELD_IN, label=_IN_LABEL)
        axes.barh(place - shift, 100 * _value(task), thickness, color=_HELD_OUT, label=_OUT_LABEL)
        _write_value(axes, place - shift, task)
        chance = task.chance(_metric(task))
        if chance is not None:
            ends = [place - 0.42, place + 0.42]
            axes.plot([100 * chance] * 2, ends, color=_CHANCE, linewidth=1.6, solid_capstyle="butt", label=_CHANCE_LABEL)
    if num_pairs:
        mean = 100 * float(np.mean([_value(task) for _, task in tasks[:num_pairs]]))
        axes.plot([mean, mean], [-0.95, num_pairs - 0.5], color=_GREY, linewidth=1, linestyle=(0, (4, 3)), zorder=0)
        text = f"mean over pairs {mean:.1f}"
        axes.annotate(text, (mean, -0.75), (4, 0), textcoords="offset points", color=_GREY, fontsize=8.5, va="center")
    axes.set_yticks(places, [f"{name}\n{arrow(task.pair)}, pool {task.pool_size}" for name, task in tasks], fontsize=8.5)
    axes.set_ylim(max(places) + 0.6, -1)
    axes.set_xlim(0, 108)
    axes.set_xticks(range(0, 101, 20))
    metrics = " or ".join(dict.fromkeys(_NAMES.get(_metric(task), _metric(task)) for _, task in tasks))
    axes.set_xlabel(f"{metrics}, percent (whiskers: 95% interval)", color=_GREY, fontsize=9)
    axes.set_title(f"{result.name}: {metrics} by task", loc="left", fontsize=12, fontweight="bold")
    axes.tick_params(length=0)
    axes.xaxis.grid(visible=True, color="#e5e7eb")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    labelled = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))  # each label once
    told = (_OUT_LABEL, _IN_LABEL, _CHANCE_LABEL) if held_in else (_CHANCE_LABEL,)
    labels = [label for label in told if label in labelled]
    if labels:
        figure.legend([labelled[label] for label in labels], labels, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    return figure


def _write_value(axes: Axes, place: float, task: TaskResult) -> None:
    """Draws the interval at the end of a bar, and the number behind it."""
    value = 100 * _value(task)
    low, high = (100 * bound for bound in task.intervals.get(_metric(task), (0.0, 0.0)))
    axes.plot([low, high], [place, place], color=_DARK, linewidth=1)
    axes.text(max(value, high) + 1, place, f"{value:.1f}", va="center", fontsize=9, color=_DARK, fontweight="bold")


def _metric(task: TaskResult) -> str:
    """Returns what is drawn of a task."""
    return next((name for name in _NAMES if name in task.metrics), task.main_metric)


def _value(task: TaskResult) -> float:
    return task.metrics.get(_metric(task), 0.0)
