"""Plots of a comparison as HTML that scales with the page: marks placed in percent of their track, no script, colours from the style sheet.

A recipe has one colour (Okabe-Ito, for eyes of every kind) and one shape, everywhere on the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape

import numpy as np

from unite.comparison.compare import MEAN, Cell, Difference, SuiteComparison
from unite.comparison.wording import percent, points, told, whiskers
from unite.evaluation.terminal_table import arrow, short

NUM_COLOURS, NUM_SHAPES = 7, 4


def mark(place: int) -> str:
    """Returns the class names of the recipe at a place: its colour and its shape."""
    return f"c{place % NUM_COLOURS} s{place % NUM_SHAPES}"


def legend(names: Sequence[str], extra: str = "") -> str:
    """Returns which mark is whose."""
    entries = "".join(f"<li><i class='dot {mark(at)}'></i>{escape(name)}" for at, name in enumerate(names))
    return f"<ul class=legend>{entries}{extra}</ul>"


def values_plot(suite: SuiteComparison, names: Sequence[str]) -> str:
    """Returns one row a task: each recipe's value with its whiskers, the held-in value and chance as ticks."""

    def row(task: str) -> str:
        lanes = []
        for at, name in enumerate(names):
            cell = suite.main(name, task)
            inside = suite.held_in.main(name, task) if suite.held_in and task in suite.held_in.tasks else None
            tick = (
                f"<i class='tick {mark(at)}' style='left:{100 * inside.value:.2f}%' title='held-in {percent(inside.value)}'></i>"
                if inside
                else ""
            )
            lanes.append(f"<div class=lane>{tick}{_dot(cell, at, name) if cell else ''}</div>")
        known = suite.tasks.get(task)
        chance = f"<i class=chance style='left:{100 * known.chance:.2f}%'></i>" if known and known.metric.endswith("@1") else ""
        return f"<div class=track>{chance}{''.join(lanes)}</div>{_best(suite, names, task)}"

    return _rows(suite, row, [str(value) for value in range(0, 101, 20)])


def differences_plot(suite: SuiteComparison, names: Sequence[str]) -> str:
    """Returns one row a task: how far each recipe is from the first one; full where the test tells them apart, hollow where not."""
    bounds = [abs(bound) for found in suite.differences.values() for one in found.values() for bound in one.interval]
    most = max(0.05, np.ceil(max(bounds, default=0) * 20) / 20)

    def row(task: str) -> str:
        lanes = [
            _difference(suite.differences[name][task], at, name, most)
            for at, name in enumerate(names)
            if at and task in suite.differences[name]
        ]
        verdicts = [suite.differences[name][task] for name in names[1:] if task in suite.differences[name]]
        words = "".join(f"<span class='{_class(one)}'>{points(one.value)}</span>" for one in verdicts)
        return f"<div class='track centred'>{''.join(lanes)}</div><div class=told>{words}</div>"

    return _rows(suite, row, [points(share * most).removesuffix(".0") for share in (-1, -0.5, 0, 0.5, 1)])


def heatmap(values: Mapping[str, float], most: float | None = None, signed: bool = False) -> str:
    """Returns a table of query modality x candidate modality, each cell coloured by its value.

    Args:
        values: modality pair, `text->image` -> value.
        most: the value of the deepest colour; 1 by default.
        signed: differences, blue above 0 and orange below.
    """
    order = ("text", "image", "video", "text+image", "text+video")
    sides = [list(dict.fromkeys(pair.split("->")[side] for pair in values)) for side in (0, 1)]
    rows, columns = (sorted(side, key=lambda one: (order.index(one) if one in order else len(order), one)) for side in sides)
    head = "".join(f"<th>{escape(short(column))}" for column in columns)
    body = ""
    for row in rows:
        cells = ""
        for column in columns:
            value = values.get(f"{row}->{column}")
            if value is None:
                cells += "<td class=none>"
                continue
            depth = 0.06 + 0.6 * min(1.0, abs(value) / (most or 1.0))
            side = "below" if signed and value < 0 else "above"
            shown = points(value) if signed else percent(value)
            cells += f"<td class={side} style='--depth:{depth:.3f}' title='{escape(arrow(f'{row}->{column}'))}'>{shown}"
        body += f"<tr><th>{escape(short(row))}{cells}"
    return f"<table class=heat><tr><th class=corner>query<br>&darr; &rarr; hit{head}{body}</table>"


def _rows(suite: SuiteComparison, row: Callable[[str], str], labels: Sequence[str]) -> str:
    axis = "".join(f"<span style='left:{100 * at / (len(labels) - 1):.2f}%'>{label}</span>" for at, label in enumerate(labels))
    pairs = [task for task, one in suite.tasks.items() if one.kind == "pair"]
    subsets = [task for task in suite.tasks if task not in pairs]
    means = [task for task in next(iter(suite.cells.values())) if task not in suite.tasks]
    lines = []
    for task in (*means, *pairs, *subsets):
        known = suite.tasks.get(task)
        about = f"{short(known.pair)} &middot; pool {known.pool_size}" if known else "modality pairs" if task == MEAN else "group"
        name = "mean over pairs" if task == MEAN else task.removeprefix(f"{MEAN}_")
        kind = "row mean" if known is None else "row subset" if known.kind != "pair" else "row"
        lines.append(f"<div class='{kind}'><div class=name><b>{escape(name)}</b><span>{about}</span></div>{row(task)}</div>")
    return f"<div class=plot>{''.join(lines)}<div class='row axis'><div></div><div class=scale>{axis}</div><div></div></div></div>"


def _dot(cell: Cell, at: int, name: str) -> str:
    low, high = (100 * bound for bound in cell.interval)
    title = f"{escape(name)}: {percent(cell.value)} ({whiskers(cell)})"
    return (
        f"<i class='whisker {mark(at)}' style='left:{low:.2f}%;width:{high - low:.2f}%'></i>"
        f"<i class='dot {mark(at)}' style='left:{100 * cell.value:.2f}%' title='{title}'></i>"
    )


def _difference(one: Difference, at: int, name: str, most: float) -> str:
    low, middle, high = (50 + 50 * max(-1.0, min(1.0, value / most)) for value in (one.interval[0], one.value, one.interval[1]))
    hollow = "" if one.verdict else " hollow"
    return (
        f"<div class=lane><i class='whisker {mark(at)}' style='left:{low:.2f}%;width:{high - low:.2f}%'></i>"
        f"<i class='dot {mark(at)}{hollow}' style='left:{middle:.2f}%' title='{escape(name)}: {escape(told(one))}'></i></div>"
    )


def _best(suite: SuiteComparison, names: Sequence[str], task: str) -> str:
    """Returns the highest value with its mark."""
    found = [(cell.value, at) for at, name in enumerate(names) if (cell := suite.main(name, task))]
    if not found:
        return "<div class=told></div>"
    value, at = max(found, key=lambda one: (one[0], -one[1]))
    return f"<div class=told><i class='dot {mark(at)}'></i><b>{percent(value)}</b></div>"


def _class(one: Difference) -> str:
    return {1: "better", -1: "worse", 0: "level"}[one.verdict]
