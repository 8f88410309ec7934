"""Searches among the runs: how many trials, the best of them, and what the score depends on, from the sweep's `search.json`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unite.errors import DataError
from unite.files import read_json

#: What a search tells, in the sweep's folder.
SEARCH = "search.json"


@dataclass(frozen=True)
class FoundSearch:
    """A search.

    Attributes:
        name: of the sweep's folder.
        states: state (`complete`, `pruned`, `fail`, `running`) -> how many trials.
        best: folder, score and options of the best trial; None where none is complete.
        matters: of each option its importance, 0 to 1, and Spearman's rank correlation with the score, the most important first.
    """

    name: str
    states: dict[str, int]
    best: dict[str, Any] | None
    matters: list[dict[str, Any]]

    @property
    def told(self) -> str:
        """How its trials ended, and the best of them."""
        counts = ", ".join(f"{count} {state}" for state, count in self.states.items())
        best = self.best
        if best is None:
            return f"Trials: {counts}."
        options = ", ".join(f"{name}={value}" for name, value in best["options"].items())
        return f"Trials: {counts}. The best is {best['folder']}, score {100 * best['score']:.1f}: {options}."


def find_searches(folders: Iterable[Path]) -> list[FoundSearch]:
    """Returns the searches that runs are trials of. One whose record cannot be read is left out: its runs are shown all the same."""
    found = []
    for sweep in dict.fromkeys(folder.resolve().parent for folder in folders):
        if not (sweep / SEARCH).is_file():
            continue
        try:
            record = read_json(sweep / SEARCH)
            states = dict(Counter(trial["state"] for trial in record["trials"]))
            found.append(FoundSearch(sweep.name, states, record["best"], record["matters"]))
        except (DataError, KeyError, TypeError):
            continue
    return found
