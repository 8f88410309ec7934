"""An encoder through a suite: the table for the terminal, metrics.json and a plot for the folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from unite.evaluation.embed import Encoder
from unite.evaluation.plot import plot_recall
from unite.evaluation.report import table, write_metrics, write_text
from unite.evaluation.results import SuiteResult
from unite.evaluation.suite import Suite


def evaluate(encoder: Encoder, suites: Sequence[Suite], folder: Path, console: Console) -> list[SuiteResult]:
    """Runs the suites and writes what came out.

    Args:
        suites: the suite, and after it, if there is one, the same tasks over training data.
        folder: gets `metrics.json` (flat, `suite/task/metric`), `recall.png`, and `<suite>.json` (ranks of every query, for comparisons).

    Returns:
        A result for each suite.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        results = [suite.run(encoder, progress=progress) for suite in suites]
    folder.mkdir(parents=True, exist_ok=True)
    for result in results:
        write_text(folder / f"{result.name}.json", result.to_json())
    write_metrics(folder / "metrics.json", *results)
    plot_recall(results[0], folder / "recall.png", *results[1:])
    console.print(table(results[0], *results[1:]))
    return results
