"""Rankings of rows: pages of one that repeat and lose no row, and several as one.

A ranking is asked for its so many best. One that compares the query with some rows only may rank a row that it found late among the first,
and a fused one changes with how far its parts are looked at. So a ranking is asked for a first pool of hits, for a larger one where a page
reaches beyond it, and what the larger one brings anew stands behind all that the smaller one had: of one query and one state of the corpus
every page is a slice of the same list.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

#: Hits that a ranking is asked for at first, and how many times more where these do not reach.
FIRST_POOL, GROWTH = 32, 8
#: Of reciprocal rank fusion: Cormack, Clarke & Buettcher 2009, section 2.
_K = 60


class Ranked(NamedTuple):
    """Rows, best first.

    Attributes:
        rows: (n,) uint64, LanceDB's ids of them, which hold for one version of the table.
        scores: (n,) float32.
    """

    rows: NDArray[np.uint64]
    scores: NDArray[np.float32]

    @classmethod
    def none(cls) -> Ranked:
        """No rows."""
        return cls(np.empty(0, np.uint64), np.empty(0, np.float32))


#: Returns the so many best, fewer only where there are no more.
Ranking: TypeAlias = Callable[[int], Ranked]


def page(ranking: Ranking, offset: int, k: int) -> Ranked:
    """Returns the hits from `offset` on, k of them at most."""
    pool, known = FIRST_POOL, Ranked.none()
    while True:
        found = ranking(pool)
        is_new = ~np.isin(found.rows, known.rows)
        known = Ranked(np.concatenate([known.rows, found.rows[is_new]]), np.concatenate([known.scores, found.scores[is_new]]))
        if len(known.rows) >= offset + k or len(found.rows) < pool:
            return Ranked(known.rows[offset : offset + k], known.scores[offset : offset + k])
        pool *= GROWTH


def fused(rankings: Sequence[Ranking]) -> Ranking:
    """Returns several rankings as one, by reciprocal rank fusion: a row's score is the sum of 1 / (60 + its place) in each.

    Of equal scores the row that was stored first comes first.
    """

    def best(num: int) -> Ranked:
        scores: dict[int, float] = defaultdict(float)
        for ranking in rankings:
            for place, row in enumerate(ranking(num).rows.tolist(), start=1):
                scores[row] += 1 / (_K + place)
        order = sorted(scores, key=lambda row: (-scores[row], row))[:num]
        return Ranked(np.array(order, np.uint64), np.array([scores[row] for row in order], np.float32))

    return best
