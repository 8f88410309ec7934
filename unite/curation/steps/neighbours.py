"""Exact nearest neighbours over embeddings. Shapes: Q queries, C candidates, D dimensions, k hits."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray


def nearest(queries: NDArray[np.float32], candidates: NDArray[np.float32], k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Returns cosines and indices (Q, min(k, C)) of the nearest candidates, best first; on a GPU if there is one."""
    import torch  # for what is done, not for whoever only names a step

    from unite.retrieval.topk import search

    device = "cuda" if torch.cuda.is_available() else "cpu"
    scores, indices = search(torch.from_numpy(queries), torch.from_numpy(candidates), min(k, len(candidates)), device=device)
    return scores.cpu().numpy(), indices.cpu().numpy()


class NearEmbeddings:
    """Entries by their embeddings, of one side or of both: a `Finder` as near duplicates want it.

    Args:
        sides: (N, D) each, L2-normalised.
        min_cosine: from which two are alike; they have to be so on every side.
        num_neighbours: how many of an entry's nearest, on each side, are looked at.
    """

    def __init__(self, sides: Sequence[NDArray[np.float32]], min_cosine: float, num_neighbours: int) -> None:
        self._sides, self._min_cosine = sides, min_cosine
        self._near = np.concatenate([nearest(side, side, num_neighbours + 1)[1] for side in sides], axis=1)
        self._added: set[int] = set()

    def has(self, entry: int) -> bool:
        """Every entry has one."""
        return True

    def add(self, entry: int) -> None:
        """Lets an entry be found from now on."""
        self._added.add(entry)

    def num_candidates(self, entry: int) -> int:
        """Returns at most how many `candidates` would return."""
        return int(self._near.shape[1])

    def candidates(self, entry: int) -> set[int]:
        """Returns the nearest that were added."""
        return self._added.intersection(self._near[entry].tolist())

    def alike(self, entry: int, others: Collection[int]) -> list[int]:
        """Returns those of some entries that are like one on every side."""
        asked = np.array(list(others), np.int64)
        cosines = np.stack([side[asked] @ side[entry] for side in self._sides])
        return list(asked[(cosines >= self._min_cosine).all(axis=0)].tolist())
