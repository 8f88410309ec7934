"""What the page is given: the runs as JSON, thinned so that 200 of them stay within 20 MB."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from unite.comparison.dashboard.curves import curves_of, num_points
from unite.comparison.dashboard.failure_store import FailureStore
from unite.comparison.dashboard.shown_runs import ShownRun
from unite.comparison.searches import FoundSearch, find_searches
from unite.evaluation.direction import direction
from unite.evaluation.pair_names import short
from unite.evaluation.results import HELD_IN
from unite.tracking.config_columns import config_columns, flat

#: Mixtures that a reader tells apart by number.
_FEW = 12


@dataclass(frozen=True)
class Payload:
    """The data of a dashboard.

    Attributes:
        runs: what is drawn first.
        failures: what a click on a run opens.
        searches: that runs are trials of.
    """

    runs: dict[str, Any]
    failures: dict[str, Any]
    searches: list[FoundSearch]


def make_payload(runs: Sequence[ShownRun], notes: Sequence[str], title: str) -> Payload:
    """Returns the data of a dashboard of these runs."""
    points = num_points([run.stages for run in runs])
    store = FailureStore().fill(runs)
    settings = [{key: str(value) for key, value in flat(config_columns(run.run.config)).items()} for run in runs]
    shared = {key: value for key, value in settings[0].items() if all(other.get(key) == value for other in settings[1:])}
    mixtures = told_apart(runs)
    notes = [*notes, *(f"The failures of {name} cannot be read: {why}" for name, why in store.broken.items())]
    if store.num_left_out:
        notes.append(f"{store.num_left_out} of the worst failures are left out, to keep the page small.")
    keys = list(dict.fromkeys(key for run in runs for key in run.metrics))
    data = {
        "title": title,
        "notes": notes,
        "runs": [_run(run, mixture, own, shared, points) for run, mixture, own in zip(runs, mixtures, settings, strict=True)],
        "settings": shared,  # of all; each run has what it does not share
        "metrics": {key: direction(key) for key in keys},
        "tasks": _tasks(runs),
        "sources": list(dict.fromkeys(source for run in runs for source in run.shares)),
        "directions": {key: direction(key) for run in runs for stage in run.stages for key in stage.keys},
    }
    return Payload(data, store.payload(), find_searches(run.run.folder for run in runs))


def told_apart(runs: Sequence[ShownRun]) -> list[str]:
    """Returns the runs' mixtures; where a few mixtures of one option differ in their shares alone they are numbered, `instruction (2)`.

    Of a search over shares there are too many, and axes show them better.
    """
    found: dict[str, list[dict[str, float]]] = {}
    for run in runs:
        of_option = found.setdefault(run.mixture, [])
        if dict(run.shares) not in of_option:
            of_option.append(dict(run.shares))
    few = {mixture: 1 < len(of_option) <= _FEW for mixture, of_option in found.items()}
    return [f"{run.mixture} ({found[run.mixture].index(dict(run.shares)) + 1})" if few[run.mixture] else run.mixture for run in runs]


def _run(run: ShownRun, mixture: str, settings: dict[str, str], shared: dict[str, str], points: int) -> dict[str, Any]:
    facts = run.run.facts()
    return {
        "name": run.name,
        "sweep": run.sweep,
        "status": run.status,
        "mixture": mixture,
        "objective": run.objective,
        "seed": "-" if run.run.seed is None else str(run.run.seed),
        "shares": {name: round(share, 5) for name, share in run.shares.items()},
        "scores": {name: round(score, 6) for name, score in run.scores.items()},
        "metrics": {key: round(value, 6) for key, value in run.metrics.items()},
        "facts": {**facts, "folder": str(run.run.folder)},
        "settings": {key: value for key, value in settings.items() if key not in shared},
        "curves": curves_of(run.stages, points),
    }


def _tasks(runs: Sequence[ShownRun]) -> list[dict[str, str]]:
    """Returns the tasks of all suites with the key of their main metric, in the suites' order."""
    found: dict[str, dict[str, str]] = {}
    for run in runs:
        for suite, result in run.run.suites.items():
            if suite.endswith(HELD_IN):
                continue
            for task, known in result.tasks.items():
                key = f"{suite}/{task}/{known.main_metric}"
                found.setdefault(key, {"key": key, "suite": suite, "task": task, "pair": short(known.pair), "kind": known.kind})
    return list(found.values())
