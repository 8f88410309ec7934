"""An index over a stored corpus, in Python."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unite.errors import DataError, must_be
from unite.search.corpus.facts import CorpusFacts
from unite.search.corpus.lance import told_damage, without_place
from unite.search.corpus.place import Place
from unite.search.corpus.stored import StoredCorpus
from unite.search.hits import Hit
from unite.search.index.record import IndexRecord
from unite.search.index.snapshot import Snapshot, state_of

#: A length that a unit vector may have by rounding.
_ABOUT_1 = (0.98, 1.02)


class Index:
    """A stored corpus that is searched: by its index, or, where none was built, by comparing the query with every row.

    It follows the corpus: what was added or removed meanwhile is found or gone at the next search. Several threads may search at once.

    Args:
        folder: of the corpus, or its address in a store, as `python -m unite.embed` writes it.

    Raises:
        DataError: if there is no corpus, or its index is of another encoder's vectors; at each use, if it is not there any more.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Place.of(folder)
        self._lock = threading.Lock()
        with told_damage(self.folder):
            self._snapshot = Snapshot(self.folder)
        self._head: Any = StoredCorpus(self.folder).table

    @property
    def facts(self) -> CorpusFacts:
        """What made the corpus."""
        return self._now().corpus.facts

    @property
    def record(self) -> IndexRecord | None:
        """What is known of the index; None where none was built."""
        return self._now().record

    @property
    def columns(self) -> Mapping[str, str]:
        """The metadata's columns and their types, for filters."""
        return self._now().corpus.columns

    @property
    def modalities(self) -> Sequence[str]:
        """Those that its rows have."""
        with told_damage(self.folder):
            return self._now().corpus.modalities

    def __len__(self) -> int:
        return len(self._now().corpus)

    def search(
        self,
        vector: NDArray[np.float32] | None = None,
        words: str = "",
        *,
        where: str = "",
        modalities: Sequence[str] = (),
        without: Sequence[str] = (),
        k: int = 10,
        offset: int = 0,
    ) -> list[Hit]:
        """Returns hits, best first; fewer than k only where there are no more.

        With a vector and words the two rankings are fused (reciprocal ranks). While the corpus stays as it is, pages of one search repeat
        and lose no row.

        Args:
            vector: (D,) of the corpus's encoder, of unit length.
            words: looked for in the rows' texts.
            where: a filter in SQL on the metadata (`price < 5 AND kind = 'bird'`), applied before anything is ranked.
            modalities: of the rows that may be hits; empty is all.
            without: ids of rows that are no hits.
            k: how many at most.
            offset: how many of the best are passed over.

        Raises:
            DataError: if neither is given, the vector is of another width or no unit vector, the filter cannot be read, k is below 1 or the
                offset below 0.
        """
        if vector is None and not words.strip():
            raise DataError(must_be("a search", "for a vector, words or both", "for nothing"))
        if k < 1 or offset < 0:
            raise DataError(must_be("k and offset", "at least 1 and 0", (k, offset)))
        now = self._now()
        if vector is not None:
            vector = _checked(vector, now.corpus.facts.dim)
        search = partial(
            Snapshot.search, vector=vector, words=words, where=where, modalities=modalities, without=without, k=k, offset=offset
        )
        try:
            return search(now)
        except RuntimeError:  # whoever writes has removed files of the version that it read
            with told_damage(self.folder):
                if (then := self._now()) is now:
                    raise
                return search(then)

    def embeddings(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """Returns the vectors (n, D) of rows, of unit length. Raises DataError if one is not there."""
        with told_damage(self.folder):
            return self._now().embeddings(ids)

    def row(self, id: str) -> Hit:
        """Returns a row, with score 1. Raises DataError if it is not there."""
        with told_damage(self.folder):
            return self._now().row(id)

    def _now(self) -> Snapshot:
        """Returns the corpus as it is now; it is opened again if it changed."""
        with self._lock:
            try:
                self._head.checkout_latest()
                version = int(self._head.version)
            except (RuntimeError, ValueError, OSError) as error:  # LanceDB's errors are of these kinds
                says = without_place(error)
                hint = f"It was moved or removed while it was open: bring it back, or open it where it is now. LanceDB says: {says}."
                raise DataError(must_be("the corpus", "where it was opened", f"not in {self.folder}", hint)) from error
            if state_of(self.folder, version) != self._snapshot.state:
                with told_damage(self.folder):
                    self._snapshot = _of_same_encoder(Snapshot(self.folder), self._snapshot.corpus.facts)
                self._head = StoredCorpus(self.folder).table
            return self._snapshot


def _of_same_encoder(snapshot: Snapshot, facts: CorpusFacts) -> Snapshot:
    """Returns a snapshot. Raises DataError if its vectors are of another encoder than those before."""
    now = snapshot.corpus.facts
    if (now.encoder_fingerprint, now.prompt_fingerprint) != (facts.encoder_fingerprint, facts.prompt_fingerprint):
        actual = f"{now.encoder}, which made it anew meanwhile"
        raise DataError(must_be(f"the encoder of {snapshot.corpus.folder}", f"still {facts.encoder}", actual, "Open it again."))
    return snapshot


def _checked(vector: NDArray[np.float32], dim: int) -> NDArray[np.float32]:
    vector = np.ascontiguousarray(vector, np.float32)
    if vector.shape != (dim,):
        raise DataError(must_be("the query's vector", f"of shape ({dim},), as the corpus's are", vector.shape))
    length = float(np.linalg.norm(vector))
    if not _ABOUT_1[0] <= length <= _ABOUT_1[1]:
        raise DataError(must_be("the query's vector", "of length 1", length, "Divide it by its length."))
    return vector
