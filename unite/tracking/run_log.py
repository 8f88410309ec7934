"""The log of a run's folder: what was logged at which step of which stage, once, however often the run was resumed.

A run writes `log/metrics.csv`, however often it is resumed. With earlier versions each resumed part had a file of its own,
`log_2/metrics.csv`: what a part logged after the checkpoint that the next one began from was trained again, and counts as the next one's.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

#: What is logged while training; the evaluation's row at the end is no step's.
_OF_A_STEP = re.compile(r"(train|validation|health|throughput|source_epochs|source_upsampling)/")
#: The log's column that names the stage of a row.
STAGE = "stage"

Row = dict[str, float]


@dataclass(frozen=True)
class StageLog:
    """What one stage logged.

    Attributes:
        name: of the stage.
        rows: step -> key -> value, in the order of the steps.
        samples, tokens, hours: step -> trained on so far in the stage; hours without validation, tokens without padding.
    """

    name: str
    rows: Mapping[int, Row]
    samples: Mapping[int, float]
    tokens: Mapping[int, float]
    hours: Mapping[int, float]

    @cached_property
    def keys(self) -> list[str]:
        """What was logged, each once."""
        return list(dict.fromkeys(key for row in self.rows.values() for key in row))


class Progress:
    """How far a stage is, from its rows in the order of their steps.

    Attributes:
        samples, tokens, hours: so far; see `StageLog`.
    """

    def __init__(self, batch_size: int) -> None:
        self.batch_size = batch_size
        self.samples = self.tokens = self.hours = 0.0
        self._last = 0

    def advance(self, step: int, row: Mapping[str, float]) -> None:
        """Goes on to a row. One without a throughput, of a validation, stands where the row before it does in tokens and hours."""
        self.samples = float(step * self.batch_size)
        speed = row.get("throughput/samples_per_second")
        if speed:
            seconds = (step - self._last) * self.batch_size / speed
            self.hours += seconds / 3600
            self.tokens += seconds * row.get("throughput/tokens_per_second", 0.0)
            self._last = step


def read_log(folder: Path, stages: Sequence[str], batch_size: int) -> list[StageLog]:
    """Reads the log of a run.

    Args:
        folder: of the run.
        stages: their names, in their order; in a log of before rows named their stage, a step that falls begins the next one.
        batch_size: samples of a step.

    Returns:
        The stages that have rows.
    """
    rows: dict[str, dict[int, Row]] = {}
    for part in (read_rows(one / "metrics.csv") for one in log_folders(folder)):
        found: dict[str, dict[int, Row]] = {}
        for stage, step, row in _staged(part, stages, begun=len(rows)):
            found.setdefault(stage, {}).setdefault(step, {}).update(row)
        for stage, of_stage in found.items():
            before = rows.setdefault(stage, {})
            first = min(of_stage)
            for step in [step for step in before if step >= first]:  # trained again
                del before[step]
            before.update(of_stage)
    return [_stage_log(name, dict(sorted(of_stage.items())), batch_size) for name, of_stage in rows.items()]


def log_folders(folder: Path) -> list[Path]:
    """Returns the folders of a run's metrics files, in the order that they were begun."""

    def number(path: Path) -> int:
        found = re.fullmatch(r"log_(\d+)", path.name)
        return int(found[1]) if found else 1

    return sorted((file.parent for file in folder.glob("log*/metrics.csv")), key=number)


def read_rows(file: Path) -> list[dict[str, Any]]:
    """Returns the rows of a metrics file as they are written; half a line of a run that goes on, or was killed, is left out."""
    whole, _, _ = file.read_text(encoding="utf-8", errors="replace").rpartition("\n")
    return list(csv.DictReader(whole.splitlines()))


def _staged(part: Iterable[dict[str, Any]], stages: Sequence[str], begun: int) -> Iterator[tuple[str, int, Row]]:
    """Yields (stage, step, values) of the rows that a step logged; `begun` stages were by the parts before."""
    place, last = max(begun - 1, 0), 0
    for fields in part:
        row = {key: number for key, text in fields.items() if key and _OF_A_STEP.match(key) and (number := _number(text)) is not None}
        step = _number(fields.get("step"))
        if not row or step is None:
            continue
        if step < last:
            place += 1
        last = int(step)
        known = stages[min(place, len(stages) - 1)] if stages else "train"
        yield fields.get(STAGE) or known, last, row


def _number(text: Any) -> float | None:
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def _stage_log(name: str, rows: dict[int, Row], batch_size: int) -> StageLog:
    progress = Progress(batch_size)
    samples, tokens, hours = {}, {}, {}
    for step, row in rows.items():
        progress.advance(step, row)
        samples[step], tokens[step], hours[step] = progress.samples, progress.tokens, progress.hours
    return StageLog(name, rows, samples, tokens, hours)
