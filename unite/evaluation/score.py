"""The score of an evaluation: one number that a sweep can optimise, with what it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from unite.errors import DataError, by_reason, first_of, must_be

#: All that a task's main metric can be, mteb's main scores included, is better the higher it is.
HIGHER = "higher is better"


@dataclass(frozen=True)
class Score:
    """A mean of main metrics, every task weighing the same.

    Attributes:
        value: the mean.
        name: what it is, in words.
        mean_of: the metrics' keys, `suite/task/metric`.
        not_run: tasks of the suite that it leaves out; scores are of one kind only where these are the same.
        direction: which way is better.
        ties: the rule by which equal scores are ranked, with its tasks where there are several; "" where it is not ours to say.
        tied: task -> share of its queries of which a right candidate has the score of a wrong one, 1 where all scores are equal.
    """

    value: float
    name: str
    mean_of: tuple[str, ...]
    not_run: tuple[str, ...] = ()
    direction: str = HIGHER
    ties: str = ""
    tied: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of_main_metrics(
        cls,
        suite: str,
        main: Mapping[str, tuple[str, float]],
        not_run: tuple[str, ...] = (),
        ties: str = "",
        tied: Mapping[str, float] | None = None,
    ) -> Score:
        """Takes the mean.

        Args:
            suite: its name.
            main: task -> name and value of its main metric; at least one.
            not_run: tasks of which there is none.
            ties, tied: as in `Score`.
        """
        if not main:
            raise DataError(must_be(f"the tasks of suite {suite}", "at least one that was run", 0))
        names = {name for name, _ in main.values()}
        what = names.pop() if len(names) == 1 else "main metric"
        return cls(
            value=float(np.mean([value for _, value in main.values()])),
            name=f"mean {what} over {len(main)} task{'' if len(main) == 1 else 's'}",
            mean_of=tuple(f"{suite}/{task}/{name}" for task, (name, _) in main.items()),
            not_run=not_run,
            ties=ties,
            tied=dict(tied or {}),
        )

    def record(self) -> dict[str, Any]:
        """Returns what stands in metrics.json beside the flat metrics: the number, and what it is, of ties only what there is to say."""
        told = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items() if name != "value"}
        told = {name: value for name, value in told.items() if value or name not in ("ties", "tied")}
        return {"score": self.value, "score_is": told}


def not_run(reasons: Mapping[str, str], elsewhere: str, most: int = 3) -> list[str]:
    """Returns a line for each reason why tasks were not run; of more than `most` one line, with the tasks alone.

    Args:
        reasons: task -> why.
        elsewhere: where the reasons stand, a sentence.
        most: reasons that are told.
    """
    told = by_reason(reasons)
    if len(told) > most:
        return [f"Not run: {first_of(list(reasons))}. {elsewhere}"]
    return [f"Not run: {first_of(tasks)}. {reason}" for reason, tasks in told.items()]
