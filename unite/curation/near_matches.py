"""Finds what is nearly the same: texts by MinHash, pictures by perceptual hash. Near-duplicate and decontamination steps share it.

An index is filled with one side of rows, text and pictures, and asked for the entries like another: the text's estimated Jaccard similarity
reaches a threshold, and the perceptual hashes are within a Hamming distance. What one has no text or pictures of is not compared; two sides
of different modality are never alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from unite.curation.signatures import NUM_PERMUTATIONS, Signatures
from unite.errors import ConfigError, must_be

_BITS = 64


class SimilarIndex:
    """Entries by what they look and read like.

    Args:
        threshold: Jaccard similarity of two texts' 5-character runs, above 0 to 1, from which they are alike.
        max_distance: Hamming distance of two 64-bit perceptual hashes, up to which pictures are alike; 0 to 15.

    Raises:
        ConfigError: if one is out of range.
    """

    def __init__(self, threshold: float, max_distance: int, name: str) -> None:
        if not 0 < threshold <= 1:
            raise ConfigError(must_be(f"{name}.threshold", "above 0, at most 1", threshold))
        if not 0 <= max_distance <= 15:
            raise ConfigError(must_be(f"{name}.max_distance", "from 0 to 15", max_distance))
        self.threshold, self.max_distance = threshold, max_distance
        self._texts = _Texts(threshold)
        self._pictures = NearHashes(max_distance)

    def add(self, entry: int, signatures: Signatures, row: int, side: int) -> None:
        """Adds one side of a row under a number."""
        if signatures.length[row, side]:
            self._texts.add(entry, signatures.minhash[row, side])
        for picture in _pictures_of(signatures, row, side):
            self._pictures.add(entry, picture)

    def texts_like(self, signatures: Signatures, row: int, side: int) -> set[int]:
        """Returns the entries whose text is like that of a side; none if it has no text."""
        return self._texts.like(signatures.minhash[row, side]) if signatures.length[row, side] else set()

    def pictures_like(self, signatures: Signatures, row: int, side: int, least: int) -> set[int]:
        """Returns the entries that have at least `least` pictures like those of a side, or all it has if they are fewer."""
        pictures = _pictures_of(signatures, row, side)
        votes: defaultdict[int, int] = defaultdict(int)
        for picture in pictures:
            for entry in self._pictures.like(picture):
                votes[entry] += 1
        return {entry for entry, count in votes.items() if count >= min(least, len(pictures))}

    def like(self, signatures: Signatures, row: int, side: int) -> set[int]:
        """Returns the entries like a side in everything it holds: its text, and all of its pictures."""
        has_text, has_pictures = bool(signatures.length[row, side]), bool(signatures.num_pictures[row, side])
        found = [self.texts_like(signatures, row, side)] if has_text else []
        if has_pictures:
            found.append(self.pictures_like(signatures, row, side, int(signatures.num_pictures[row, side])))
        return set.intersection(*found) if found else set()


class _Texts:
    """datasketch's LSH finds candidates; the signatures themselves decide."""

    def __init__(self, threshold: float) -> None:
        from datasketch import MinHashLSH

        self._threshold = threshold
        # More weight on missing none: a false candidate costs one comparison.
        self._lsh = MinHashLSH(threshold=threshold, num_perm=NUM_PERMUTATIONS, weights=(0.1, 0.9))
        self._known: dict[int, NDArray[np.uint32]] = {}

    def add(self, entry: int, values: NDArray[np.uint32]) -> None:
        self._known[entry] = values
        self._lsh.insert(entry, _Sketch(values), check_duplication=False)

    def like(self, values: NDArray[np.uint32]) -> set[int]:
        candidates = self._lsh.query(_Sketch(values))
        return {entry for entry in candidates if float((self._known[entry] == values).mean()) >= self._threshold}


class _Sketch:
    """The part of datasketch's MinHash that its LSH reads, over values that are there already."""

    def __init__(self, values: NDArray[np.uint32]) -> None:
        self.hashvalues = values

    def __len__(self) -> int:
        return len(self.hashvalues)


class NearHashes:
    """64-bit hashes within a Hamming distance d: cut into d + 1 bands, two such hashes agree in one at least (pigeonhole)."""

    def __init__(self, max_distance: int) -> None:
        self._max_distance = max_distance
        edges = np.linspace(0, _BITS, max_distance + 2).round().astype(int).tolist()
        self._bands = [(low, (1 << (high - low)) - 1) for low, high in pairwise(edges)]
        self._entries: list[defaultdict[int, list[tuple[int, int]]]] = [defaultdict(list) for _ in self._bands]

    def add(self, entry: int, picture: int) -> None:
        """Adds a hash under a number."""
        for band, key in zip(self._entries, self._keys(picture), strict=True):
            band[key].append((entry, picture))

    def like(self, picture: int) -> set[int]:
        """Returns the numbers of all hashes within the distance of one."""
        near = (pair for band, key in zip(self._entries, self._keys(picture), strict=True) for pair in band.get(key, ()))
        return {entry for entry, other in near if (picture ^ other).bit_count() <= self._max_distance}

    def _keys(self, picture: int) -> Iterator[int]:
        return ((picture >> low) & mask for low, mask in self._bands)


def _pictures_of(signatures: Signatures, row: int, side: int) -> list[int]:
    pictures: list[int] = signatures.pictures[row, side, : signatures.num_pictures[row, side]].tolist()
    return pictures
