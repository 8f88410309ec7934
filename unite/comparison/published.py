"""What others published on a suite's benchmark, to stand beside one's own. `published.json` holds the figures, each with its source."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from unite.comparison.suite_comparison import SuiteComparison

#: The metrics that the figures are of: R@1, and of MMEB-V2's documents nDCG@5.
_METRICS = ("recall@1", "hit@1", "ndcg_linear@5")


@dataclass(frozen=True)
class Published:
    """The figures of one benchmark.

    Attributes:
        benchmark: its name.
        parts: what is told of it: overall, or tasks of a kind.
        rows: (model, value of each part in percent, source).
        own: recipe -> value of each part in percent, None where the suite lacks tasks of it.
        note: what to know before comparing.
    """

    benchmark: str
    parts: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float, ...], str], ...]
    own: Mapping[str, tuple[float | None, ...]]
    note: str = ""


def published_beside(suite: SuiteComparison) -> list[Published]:
    """Returns the published figures of the benchmarks that a suite is, or that it holds; none for a suite of one's own."""
    found = []
    for benchmark, about in _file()["benchmarks"].items():
        chosen = {part: _tasks(suite, selection) for part, selection in about["parts"].items()}
        if suite.name not in about["names"] and not any(chosen.values()):
            continue
        sources = _file()["sources"]
        figures = (figure for figure in _file()["figures"] if figure["benchmark"] == benchmark)
        rows = [(figure["model"], tuple(figure["values"]), sources[figure["source"]]) for figure in figures]
        own = {recipe: tuple(_own(suite, recipe, tasks) for tasks in chosen.values()) for recipe in suite.cells}
        found.append(Published(benchmark, tuple(chosen), tuple(rows), own, about.get("note", "")))
    return found


def _tasks(suite: SuiteComparison, selection: Mapping[str, list[str]]) -> list[str]:
    """Returns the suite's tasks of a part: of whole groups, all of which it must have, or of names that begin so."""
    groups = selection.get("groups", [])
    if groups and all(name in suite.groups for name in groups):
        return [task for name in groups for task in suite.groups[name]]
    return [task for task in suite.tasks if task.startswith(tuple(selection.get("tasks", [])))]


def _own(suite: SuiteComparison, recipe: str, tasks: list[str]) -> float | None:
    cells = [suite.main(recipe, task) for task in tasks if suite.tasks[task].metric in _METRICS]
    values = [cell.value for cell in cells if cell is not None]
    return 100 * float(np.mean(values)) if tasks and len(values) == len(tasks) else None


@cache
def _file() -> dict[str, Any]:
    text = files("unite.comparison").joinpath("published.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
