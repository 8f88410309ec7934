"""What a W&B run gets of an evaluation: metrics, tables of retrieval examples with pictures, a heatmap of pairs, a confusion of modalities.

All of it is read from the run's folder, where the evaluation wrote it.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import wandb
from matplotlib.figure import Figure
from PIL import Image

from unite.evaluation.failures_file import FAILURES_SUFFIX, TaskFailures, read_failures
from unite.evaluation.pair_names import modality_order, short
from unite.evaluation.results import HELD_IN, SuiteResult
from unite.files import read_json
from unite.media.preview import Preview

_EXAMPLES_A_TASK = 4
_NUM_HITS = 3
_HITS = re.compile(r"(?P<suite>[^/]+)/diagnostics/hits@\d+/(?P<task>[^/]+)/(?P<modality>[^/]+)")

Matrix = dict[str, dict[str, float]]


def log_evaluation(run: wandb.Run, folder: Path) -> None:
    """Puts the evaluation in a run's folder into its W&B run; nothing if there is none.

    Raises:
        DataError: if a file of it cannot be read.
    """
    if not (folder / "metrics.json").is_file():
        return
    metrics = {key: value for key, value in read_json(folder / "metrics.json").items() if isinstance(value, int | float)}
    run.summary.update(metrics)
    media: dict[str, Any] = {}
    for name in dict.fromkeys(key.partition("/")[0] for key in metrics if "/" in key):
        path = folder / f"{name}.json"
        if name.endswith(HELD_IN) or not path.is_file():
            continue
        result = SuiteResult.from_json(path.read_text(encoding="utf-8"))
        examples = examples_table(read_failures(folder / f"{name}{FAILURES_SUFFIX}"))
        if examples is not None:
            media[f"{name}/examples"] = examples
        for key, matrix, title in (
            ("pairs", pairs_matrix(result), f"{name}: main metric by query (rows) and candidate (columns), percent"),
            ("confusion", confusion_matrix(result, metrics), f"{name}: modality of the hits (columns) by pair asked for (rows), percent"),
        ):
            if matrix:
                media |= {f"{name}/{key}": matrix_table(matrix), f"{name}/{key}_picture": wandb.Image(matrix_picture(matrix, title))}
    if media:
        run.summary.update(media)


def examples_table(tasks: Mapping[str, TaskFailures]) -> wandb.Table | None:
    """Returns the worst failures of each task: the query, the right one and what came first, with pictures; None if there are none."""
    hits = [f"hit {place}" for place in range(1, _NUM_HITS + 1)]
    columns: list[str | int] = [
        "task",
        "rank",
        "query",
        "query picture",
        "right",
        "right picture",
        *(name for hit in hits for name in (hit, f"{hit} picture")),
    ]
    table = wandb.Table(columns=columns)
    for task, found in tasks.items():
        for failure in found.failures[:_EXAMPLES_A_TASK]:
            shown = [found.queries[failure.query], found.candidates[failure.right[0]]]
            shown += [found.candidates[name] for name, _ in failure.hits[:_NUM_HITS]]
            shown += [Preview()] * (2 + _NUM_HITS - len(shown))
            table.add_data(task, failure.rank, *(cell for preview in shown for cell in (_words(preview), _picture(preview))))
    return table if table.data else None


def pairs_matrix(result: SuiteResult) -> Matrix:
    """Returns query modality -> candidate modality -> the mean of the main metrics of their tasks."""
    values: dict[str, dict[str, list[float]]] = {}
    for task in result.tasks.values():
        if task.kind == "pair" and task.metrics:
            query, _, candidate = task.pair.partition("->")
            values.setdefault(query, {}).setdefault(candidate, []).append(task.metrics[task.main_metric])
    return {query: {candidate: sum(found) / len(found) for candidate, found in row.items()} for query, row in values.items()}


def confusion_matrix(result: SuiteResult, metrics: Mapping[str, float]) -> Matrix:
    """Returns the pair that was asked for -> modality -> its share of the first hits; empty where no diagnosis recorded it."""
    sums: dict[str, dict[str, list[float]]] = {}
    for key, value in metrics.items():
        found = _HITS.fullmatch(key)
        if found and found["suite"] == result.name and found["task"] in result.tasks:
            pair = short(result.tasks[found["task"]].pair)
            sums.setdefault(pair, {}).setdefault(found["modality"], []).append(value)
    return {pair: {modality: sum(values) / len(values) for modality, values in row.items()} for pair, row in sums.items()}


def matrix_table(matrix: Matrix) -> wandb.Table:
    """Returns a matrix as a table, one row a row."""
    columns = _columns(matrix)
    return wandb.Table(columns=["", *columns], data=[[row, *(values.get(column) for column in columns)] for row, values in matrix.items()])


def matrix_picture(matrix: Matrix, title: str) -> Image.Image:
    """Draws a matrix of shares, each cell with its value in percent; what has no value stays white."""
    columns, rows = _columns(matrix), sorted(matrix, key=modality_order)
    figure = Figure(figsize=(1.6 + 1.1 * len(columns), 1.4 + 0.5 * len(rows)), dpi=110, layout="constrained")
    axes = figure.subplots()
    cells = [[matrix[row].get(column, float("nan")) for column in columns] for row in rows]
    axes.imshow(cells, cmap="Blues", vmin=0, vmax=1.25, aspect="auto")
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.set_title(title, fontsize=8, loc="left")
    for at, values in enumerate(cells):
        for place, value in enumerate(values):
            if value == value:
                axes.text(place, at, f"{100 * value:.1f}", ha="center", va="center", fontsize=9)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return Image.open(buffer)


def _columns(matrix: Matrix) -> list[str]:
    return sorted({column for row in matrix.values() for column in row}, key=modality_order)


def _words(preview: Preview) -> str:
    return "\n".join(part for part in (preview.instruction, preview.text) if part)


def _picture(preview: Preview) -> wandb.Image | None:
    """Returns the first picture of a content, a video as its strip of frames."""
    return wandb.Image(Image.open(io.BytesIO(base64.b64decode(preview.pictures[0][1])))) if preview.pictures else None
