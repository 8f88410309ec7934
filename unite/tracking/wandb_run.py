"""The W&B run of a run's folder: one run, however often training was resumed, and the same whether it was logged live or pushed later.

Its own step counts the steps of all stages, so that no stage lies over another; a row whose step W&B has already is not sent again. Hence a
resumed run has no gap and no double step, and pushing a run twice, or one that goes on, adds what is new.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import wandb

from unite.evaluation.direction import direction
from unite.files import write_text
from unite.locks import locked
from unite.tracking.config_columns import config_columns
from unite.tracking.run_log import Progress, StageLog

_ID_FILE = "wandb_id"
_OFFLINE = re.compile(r"(?:offline-)?run-[\d_]+-(?P<id>\w+)")
#: What is logged while training: where less is better a run is told by its least value, else by its greatest.
_PATTERNS = ("train/loss*", "train/accuracy*", "validation/loss*", "validation/score")
#: What W&B's charts may be aligned by, beside the step.
AXES = ("progress/samples", "progress/tokens", "progress/hours")


def run_id(folder: Path) -> str:
    """Returns the id of a folder's W&B run, a new one the first time; a run of before ids were written down keeps the one that it has."""
    path = folder / _ID_FILE
    if not path.is_file():
        with locked(folder / f"{_ID_FILE}.lock"):  # several ranks ask at once
            if not path.is_file():
                found = [match["id"] for one in sorted((folder / "wandb").glob("*run-*")) if (match := _OFFLINE.fullmatch(one.name))]
                write_text(path, found[0] if found else secrets.token_hex(4))
    return path.read_text(encoding="utf-8").strip()


def define_metrics(run: wandb.Run) -> None:
    """Says which way the logged values are better, so that a run is told by its best."""
    for pattern in _PATTERNS:
        run.define_metric(pattern, summary="min" if direction(pattern.rstrip("*")) == "lower" else "max")


def columns_of(config: Mapping[str, Any], choices: Mapping[str, str], shares: Mapping[str, float]) -> dict[str, Any]:
    """Returns the config as W&B gets it: each setting once, the options by name, and the share that each source has of the samples."""
    return ({"share": dict(shares)} if shares else {}) | config_columns(config, choices)


@dataclass(frozen=True)
class RunRow:
    """A row of the whole run: its step over all stages, and the values."""

    step: int
    values: dict[str, float]


class RunSteps:
    """Where a run is, over all its stages.

    Args:
        lengths: stage -> its number of steps, in the order of the stages.
        batch_size: samples of a step.
        logged: what the run has logged already, where it is resumed.
    """

    def __init__(self, lengths: Mapping[str, int], batch_size: int, logged: Sequence[StageLog] = ()) -> None:
        self.lengths = dict(lengths)
        self.batch_size = batch_size
        self.stage = ""
        self._logged = {stage.name: stage for stage in logged}
        self._offset = 0
        self._before = (0.0, 0.0, 0.0)
        self._progress: Progress | None = None

    def begin(self, stage: str) -> None:
        """Goes on to a stage."""
        if self._progress is not None:
            self._before = self._so_far(self._progress)
        self.stage, self._progress = stage, None
        names = list(self.lengths)
        self._offset = sum(self.lengths[name] for name in names[: names.index(stage)]) if stage in names else 0

    def row(self, step: int, values: Mapping[str, float]) -> RunRow:
        """Returns a row of the stage as one of the run, with how far the run is."""
        if self._progress is None:
            self._progress = self._resumed(step)
        self._progress.advance(step, values)
        return RunRow(self._offset + step, {**values, **dict(zip(AXES, self._so_far(self._progress), strict=True))})

    def _so_far(self, progress: Progress) -> tuple[float, float, float]:
        samples, tokens, hours = self._before
        return samples + progress.samples, tokens + progress.tokens, hours + progress.hours

    def _resumed(self, step: int) -> Progress:
        """Returns how far the stage is at a step that may not be its first."""
        names = list(self.lengths)
        for name in names[: names.index(self.stage)] if self.stage in names and self._before == (0.0, 0.0, 0.0) else ():
            done = self._walked(name, None)  # a stage that was done before the run was resumed
            self._before = self._so_far(done)
        return self._walked(self.stage, step)

    def _walked(self, stage: str, end: int | None) -> Progress:
        progress = Progress(self.batch_size)
        for step, row in self._logged[stage].rows.items() if stage in self._logged else ():
            if end is None or step < end:
                progress.advance(step, row)
        return progress


def run_rows(stages: Sequence[StageLog], steps: RunSteps) -> Iterator[RunRow]:
    """Yields the rows of all stages, one after the other."""
    for stage in stages:
        steps.begin(stage.name)
        for step, row in stage.rows.items():
            yield steps.row(step, row)


def first_new_step(run: wandb.Run) -> int:
    """Returns the first step that W&B does not have: of a run that was there before, one past its last."""
    return int(max(run.step, run.starting_step))


def send_rows(run: wandb.Run, rows: Iterator[RunRow]) -> int:
    """Sends the rows that W&B does not have yet; returns how many."""
    known = first_new_step(run)
    sent = 0
    for row in rows:
        if row.step >= known:
            run.log(row.values, step=row.step)
            sent += 1
    return sent
