"""Curves small enough to carry: what a run logged, thinned to so many points, each the mean of the rows it stands for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from unite.tracking.run_log import StageLog

#: What the page draws; not what a mixture counts.
_DRAWN = re.compile(r"(train|validation|health)/|throughput/(samples|tokens)_per_second")
#: Numbers of all curves together: some six letters each.
_MOST_NUMBERS = 1_200_000
_MOST_POINTS, _LEAST_POINTS = 250, 12
#: A value of this share of the rows is drawn over all of them, with gaps; a rarer one has points of its own.
_OFTEN = 0.5


def num_points(logs: Sequence[Sequence[StageLog]]) -> int:
    """Returns how many points a curve may have so that all the runs' curves stay within what a page carries."""
    num_curves = sum(sum(bool(_DRAWN.match(key)) for key in stage.keys) for log in logs for stage in log)
    return max(_LEAST_POINTS, min(_MOST_POINTS, _MOST_NUMBERS // max(num_curves, 1)))


def curves_of(log: Sequence[StageLog], points: int) -> dict[str, list[dict[str, Any]]]:
    """Returns stage -> its curves, those with the same rows together.

    Each is `{"step": [...], "samples": [...], "tokens": [...], "hours": [...], "values": {key: [number or None, ...]}}`.
    """
    return {stage.name: [_thinned(stage, steps, keys, points) for steps, keys in _together(stage)] for stage in log}


def _together(stage: StageLog) -> Iterator[tuple[list[int], list[str]]]:
    """Yields (steps, keys): the rows of training, and others by the steps that they have."""
    steps_of = {key: [step for step, row in stage.rows.items() if key in row] for key in stage.keys if _DRAWN.match(key)}
    trained = steps_of.get("train/loss", [])
    of_training = set(trained)
    often = [key for key, steps in steps_of.items() if trained and sum(map(of_training.__contains__, steps)) >= _OFTEN * len(trained)]
    if often:
        yield trained, often
    rare: dict[tuple[int, ...], list[str]] = {}
    for key, steps in steps_of.items():
        if key not in often:
            rare.setdefault(tuple(steps), []).append(key)
    for same, keys in rare.items():
        yield list(same), keys


def _thinned(stage: StageLog, steps: Sequence[int], keys: Sequence[str], points: int) -> dict[str, Any]:
    width = -(-len(steps) // points)  # rows a point
    bins = [steps[start : start + width] for start in range(0, len(steps), width)]
    ends = [members[-1] for members in bins]
    axes: dict[str, Mapping[int, float]] = {"samples": stage.samples, "tokens": stage.tokens, "hours": stage.hours}
    return {
        "step": ends,
        **{name: [_short(axis[step]) for step in ends] for name, axis in axes.items()},
        "values": {key: [_mean([row[key] for step in members if key in (row := stage.rows[step])]) for members in bins] for key in keys},
    }


def _mean(values: Sequence[float]) -> float | None:
    return _short(sum(values) / len(values)) if values else None


def _short(value: float) -> float:
    """Four digits: what an eye can tell on a chart. Whole numbers lose their `.0`."""
    short = float(f"{value:.4g}")
    return int(short) if short.is_integer() else short
