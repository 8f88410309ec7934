"""What a dashboard shows of a run: its mixture, objective and shares, its scores, its curves."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from unite.comparison.evaluated_runs import Run
from unite.errors import first_of
from unite.evaluation.results import HELD_IN
from unite.runs import RunFolder, sweep_of
from unite.tracking.recorded import adaptation_shares, read_log_of
from unite.tracking.run_log import StageLog

FINISHED, UNFINISHED = "finished", "unfinished"


@dataclass(frozen=True, eq=False)
class ShownRun:
    """One run of a dashboard.

    Attributes:
        run: as it was read.
        sweep: the folder of its sweep; of its runs where it is in none.
        status: `finished`, or `unfinished`: it goes on, or broke off.
        mixture, objective: the options, with what the command changed in them.
        shares: source -> its share of the adaptation's samples as the mixture asks for it, all together 1.
        scores: suite -> its score.
        metrics: key -> value, all that was evaluated.
    """

    run: Run
    sweep: str
    status: str
    mixture: str
    objective: str
    shares: Mapping[str, float]
    scores: Mapping[str, float]
    metrics: Mapping[str, float]

    @property
    def name(self) -> str:
        """As the dashboard calls it."""
        return self.run.name

    @cached_property
    def stages(self) -> list[StageLog]:
        """The log."""
        return read_log_of(self.run.trained, self.run.config)


def shown(run: Run) -> ShownRun:
    """Reads what a dashboard shows of a run; the log when it is asked for."""
    folder = run.trained
    is_finished = (folder / "finished").exists() or bool(run.suites)
    return ShownRun(
        run=run,
        sweep=sweep_of(folder, run.config) or str(run.config.get("name") or folder.resolve().parent.name),
        status=FINISHED if is_finished else UNFINISHED,
        mixture=_option(run, "mixture", free="mixture.shares"),
        objective=_option(run, "objective"),
        shares=adaptation_shares(run.config),
        scores={name: result.score.value for name, result in run.suites.items() if not name.endswith(HELD_IN)},
        metrics=_metrics(run.folder),
    )


def notes_on(runs: Sequence[ShownRun]) -> list[str]:
    """Returns what may surprise: runs that are not finished, and such as measure other suites."""
    notes = []
    unfinished = [run.name for run in runs if run.status == UNFINISHED]
    if unfinished:
        notes.append(f"Not finished, so without scores yet: {first_of(unfinished, 6)}.")
    bare = [run.name for run in runs if run.status == FINISHED and not run.scores]
    if bare:
        notes.append(f"Not evaluated: {first_of(bare, 6)}.")
    by_suites: dict[tuple[str, ...], list[str]] = {}
    for run in runs:
        if run.scores:
            by_suites.setdefault(tuple(sorted(run.scores)), []).append(run.name)
    if len(by_suites) > 1:
        told = "; ".join(f"{' and '.join(suites)} by {first_of(names, 6)}" for suites, names in by_suites.items())
        notes.append(f"The runs measure different suites, and scores of different suites do not compare: {told}.")
    return notes


def _option(run: Run, group: str, free: str = "\N{NULL}") -> str:
    """`mamcl`, or `mamcl, hardness=5` where the command changed something in the option; `free` is what is told apart elsewhere."""
    component = run.config.get(group) or {}
    target = str(component.get("_target_", "")).rpartition(".")[2]
    name = run.choices.get(group) or target or ", ".join(component.get("sources") or {}) or "-"
    said = [override.lstrip("+~") for override in RunFolder.read_overrides(run.trained) or []]
    changes = [override.removeprefix(f"{group}.") for override in said if override.startswith(f"{group}.")]
    kept = [change for change in changes if not f"{group}.{change}".startswith(free)]
    return ", ".join([name, *kept])


def _metrics(folder: Path) -> dict[str, float]:
    path = folder / "metrics.json"
    if not path.is_file():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    return {key: float(value) for key, value in found.items() if isinstance(value, int | float) and math.isfinite(value)}
