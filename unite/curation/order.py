"""The order in which steps run: those that judge row by row first, then those that judge the set, each in the order they are named in."""

from __future__ import annotations

from collections.abc import Sequence

from unite.curation.records import MEDIA, READ
from unite.curation.steps.step import RowStep, SetStep, Step
from unite.errors import ConfigError, must_be


def in_order(steps: Sequence[Step]) -> tuple[list[RowStep], list[SetStep]]:
    """Parts steps, named in any order, into those that judge row by row and those that judge the set.

    Raises:
        ConfigError: if one is no step, or two share a name.
    """
    rows: list[RowStep] = []
    sets: list[SetStep] = []
    for step in steps:
        if isinstance(step, SetStep):
            sets.append(step)
        elif isinstance(step, RowStep):
            rows.append(step)
        else:
            raise ConfigError(must_be("a step", "an object with judge_row or judge_set", type(step).__name__))
    names = [step.name for step in steps]
    twice = next((name for name in names if names.count(name) > 1 or name in (READ, MEDIA)), None)
    if twice is not None:
        hint = "Give one another name: steps.<key>.name=..."
        raise ConfigError(must_be("the names of steps", f"unique, and neither {READ} nor {MEDIA}", twice, hint))
    return rows, sets


def order_told(steps: Sequence[Step]) -> str:
    """Says in which order steps run, and why if that is not the one they were named in."""
    if not steps:
        return "no steps: every row that can be read, with its media, is kept"
    rows, sets = in_order(steps)
    kinds = (("row by row", rows), ("over the whole set", sets))
    order = "; then ".join(f"{kind}: {', '.join(step.name for step in of)}" for kind, of in kinds if of)
    moved = [step.name for step in rows] != [step.name for step in steps[: len(rows)]]
    return f"steps, {order}{' (those that judge row by row run first, in whatever order they are named)' if moved else ''}"
