"""A permutation of n numbers: a list of them where they are few, a function where a list would not fit into memory.

The function is a Feistel network over the next power of four, its values beyond n walked on from until one is within (Black and Rogaway,
"Ciphers with Arbitrary Finite Domains", CT-RSA 2002): each number is found alone, in a few microseconds, and every one comes once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

#: Up to so many a list is kept, 128 MB of it. The order of data sets below it is as it always was.
LISTED = 1 << 24
_ROUNDS = 6
_MASK = (1 << 64) - 1


class Permutation(Protocol):
    """Where each place's number is asked for."""

    def __getitem__(self, place: int) -> int:
        """Returns the number at a place, both from 0 to n - 1."""
        ...


def permutation(num: int, seed: Sequence[int]) -> Permutation:
    """Returns a permutation of the numbers from 0 to `num` - 1, another one for another seed."""
    rng = np.random.default_rng(seed)
    return rng.permutation(num) if num <= LISTED else Feistel(num, [int(key) for key in rng.integers(0, 1 << 63, _ROUNDS)])


class Feistel:
    """A permutation that keeps nothing but its keys.

    Args:
        num: n.
        keys: of the rounds.
    """

    def __init__(self, num: int, keys: Sequence[int]) -> None:
        self._num, self._keys = num, tuple(keys)
        self._half = max(1, ((num - 1).bit_length() + 1) // 2)  # bits

    def __getitem__(self, place: int) -> int:
        while True:
            place = self._once(place)
            if place < self._num:
                return place

    def _once(self, place: int) -> int:
        low = (1 << self._half) - 1
        left, right = place >> self._half, place & low
        for key in self._keys:
            left, right = right, left ^ (_mixed(right ^ key) & low)
        return left << self._half | right


def _mixed(number: int) -> int:
    """The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): every bit depends on every other."""
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    number = (number ^ number >> 27) * 0x94D049BB133111EB & _MASK
    return number ^ number >> 31
