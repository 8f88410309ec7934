"""Finds texts that are nearly the same among many: candidates by MinHash and banding, then the true Jaccard similarity of their shingles.

A sketch of 64 values alone is wrong by 0.05 (standard deviation) at a similarity of 0.8. So it only chooses whom to compare, and misses
fewer than one in a hundred at the threshold; what is compared is decided by the texts themselves.

Shapes: N entries; H permutations; b bands of r of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from unite.curation.signatures import NUM_PERMUTATIONS, hashed_shingles, sketched

#: Share of the pairs at the threshold that have to meet in a band.
_RECALL = 0.99
#: Standard deviations of a sketch by which it may tell less than the threshold.
_DOUBT = 3.3
#: Texts whose shingles are remembered: of the longest that are sketched, 0.5 MB each.
_NUM_REMEMBERED = 512


class NearTexts:
    """Entries by what they read like. Those without a text are never found.

    Args:
        minhash: (N, H) of the entries.
        has_text: (N,) bool.
        text: returns the normalised text of an entry; asked for candidates alone.
        threshold: Jaccard similarity of two texts' 5-character runs, above 0 to 1, from which they are alike.
    """

    def __init__(self, minhash: NDArray[np.uint32], has_text: NDArray[np.bool_], text: Callable[[int], str], threshold: float) -> None:
        self._minhash, self._has_text, self._threshold = minhash, has_text, threshold
        self._margin = _DOUBT * np.sqrt(threshold * (1 - threshold) / NUM_PERMUTATIONS)
        self._shingles = lru_cache(maxsize=_NUM_REMEMBERED)(lambda entry: hashed_shingles(sketched(text(entry))))
        self._buckets = _buckets(minhash, has_text, *banding(threshold))
        self._added: defaultdict[int, list[int]] = defaultdict(list)

    def has(self, entry: int) -> bool:
        """Whether an entry has a text."""
        return bool(self._has_text[entry])

    def add(self, entry: int) -> None:
        """Lets an entry be found from now on."""
        for bucket in self._shared(entry):
            self._added[bucket].append(entry)

    def num_candidates(self, entry: int) -> int:
        """Returns at most how many `candidates` would return."""
        return sum(len(self._added.get(bucket, ())) for bucket in self._shared(entry))

    def candidates(self, entry: int) -> set[int]:
        """Returns the entries added that may be like one."""
        return {other for bucket in self._shared(entry) for other in self._added.get(bucket, ())}

    def alike(self, entry: int, others: Collection[int]) -> list[int]:
        """Returns those of some entries that are like one."""
        asked = np.array([other for other in others if self._has_text[other]], np.int64)
        estimates = (self._minhash[asked] == self._minhash[entry]).mean(axis=1)
        likely = asked[estimates >= self._threshold - self._margin].tolist()
        return [other for other in likely if jaccard(self._shingles(entry), self._shingles(other)) >= self._threshold]

    def _shared(self, entry: int) -> list[int]:
        buckets: list[int] = self._buckets[entry][self._buckets[entry] >= 0].tolist()
        return buckets


def banding(threshold: float) -> tuple[int, int]:
    """Returns how many bands of how many values: the longest bands in which enough of the pairs at the threshold meet.

    Two texts of Jaccard similarity s agree in all r values of one of b bands with probability 1 - (1 - s^r)^b (Leskovec, Rajaraman, Ullman,
    Mining of Massive Datasets, 3.4).
    """
    rows = [r for r in range(1, NUM_PERMUTATIONS + 1) if 1 - (1 - threshold**r) ** (NUM_PERMUTATIONS // r) >= _RECALL]
    longest = max(rows, default=1)
    return NUM_PERMUTATIONS // longest, longest


def jaccard(ones: NDArray[np.uint32], others: NDArray[np.uint32]) -> float:
    """Returns the Jaccard similarity of two sets, each without repeats; 0 of two empty ones."""
    both = len(np.intersect1d(ones, others, assume_unique=True))
    return both / max(len(ones) + len(others) - both, 1)


def _buckets(minhash: NDArray[np.uint32], has_text: NDArray[np.bool_], bands: int, rows: int) -> NDArray[np.int32]:
    """Returns (N, b) the bucket of each entry in each band, numbered through; -1 where it is alone, as nearly all are."""
    entries = np.flatnonzero(has_text)
    buckets = np.full((len(minhash), bands), -1, np.int32)
    start = 0
    for band in range(bands):
        values = np.ascontiguousarray(minhash[entries, band * rows : (band + 1) * rows])
        whole = values.view(np.dtype((np.void, values.dtype.itemsize * rows)))[:, 0] if len(entries) else np.zeros(0, np.int8)
        _, bucket, count = np.unique(whole, return_inverse=True, return_counts=True)
        shared = count > 1
        number = np.where(shared, start + np.cumsum(shared) - 1, -1)
        buckets[entries, band] = number[bucket]
        start += int(shared.sum())
    return buckets
