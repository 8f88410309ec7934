"""Which rows a datasheet shows: a few that each step left out of each source, of every reason some, and a few that were kept.

The choice follows from the names of the rows alone: it is the same however the work was cut or broken off, and takes next to no memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any

import numpy as np

from unite.types import fingerprint

#: Rows left out that are shown of a step and source, fewer where each stands beside what it repeats; and of the whole set.
_EACH, _PAIRS, _ALL = 4, 3, 240
#: Reasons of a step that are told apart here: a step has a few, and one that writes a new one for each row must not fill the memory.
_NUM_REASONS = 16
#: What only the choice needs of a line.
_OWN = ("row", "like_row")

Line = Mapping[str, Any]


class Chosen:
    """Lines of skipped.jsonl, chosen while they pass by."""

    def __init__(self) -> None:
        self._cells: defaultdict[tuple[str, str], dict[str, list[tuple[int, Line]]]] = defaultdict(dict)

    def passing(self, lines: Iterable[Line]) -> Iterator[Line]:
        """Passes lines on, without what only the choice needs of them."""
        for line in lines:
            reasons = self._cells[line["source"], line["step"]]
            if line["reason"] in reasons or len(reasons) < _NUM_REASONS:
                drawn = reasons.setdefault(line["reason"], [])
                drawn.append((fingerprint(line["source"], line["key"]), line))
                if len(drawn) > 16 * _EACH:
                    _thin(drawn)
            yield {name: value for name, value in line.items() if name not in _OWN}

    def of(self, source: str, step: str) -> list[Line]:
        """Returns the lines to show of a source and step: of each reason one, then of each a second, and so on."""
        cells = list(self._cells)
        if (source, step) not in cells[:_ALL]:
            return []
        reasons = self._cells[source, step]
        for drawn in reasons.values():
            _thin(drawn)
        turns = zip_longest(*([line for _, line in reasons[reason]] for reason in sorted(reasons)))
        shown = [line for line in chain.from_iterable(turns) if line is not None][: max(1, min(_EACH, _ALL // len(cells)))]
        if any(line.get("like") for line in shown):
            shown = shown[:_PAIRS]
        return sorted(shown, key=lambda line: (line["reason"], line["record"]))


def spread(rows: Sequence[int], num_shown: int) -> list[int]:
    """Returns so many of some rows, evenly spread, or all if they are fewer."""
    places = np.unique((np.arange(num_shown) + 0.5) * len(rows) // max(num_shown, 1)) if len(rows) > num_shown else np.arange(len(rows))
    return [rows[place] for place in places.astype(int).tolist()]


def _thin(drawn: list[tuple[int, Line]]) -> None:
    drawn.sort(key=lambda pair: pair[0])
    del drawn[_EACH:]
