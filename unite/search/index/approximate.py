"""The nearest vectors by LanceDB's index, which compares a query with some of them; their scores are exact."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unite.search.corpus.layout import ROW_ID
from unite.search.corpus.stored import StoredCorpus
from unite.search.index.exact import best_as_read
from unite.search.index.ranking import Ranked

#: Where a condition lets no more rows than this through they are compared one and all: an index that looks into some of its partitions
#: misses rows that are few and far between.
_FEW = 20_000
VECTOR_INDEX = "vector_idx"


class IndexedVectors:
    """Vectors on disk behind an index of LanceDB's, with what was added since: rows that are not in the index yet are all compared.

    Args:
        corpus: at one version.
        refine_factor: of so many times the hits the whole vectors are compared.
        probes: partitions that are looked into; None leaves it to LanceDB.
    """

    def __init__(self, corpus: StoredCorpus, refine_factor: int, probes: int | None) -> None:
        self._corpus, self._refine_factor, self._probes = corpus, refine_factor, probes

    @property
    def num_unindexed(self) -> int:
        """Rows that are not in the index yet."""
        stats = self._corpus.table.index_stats(VECTOR_INDEX)
        return int(stats.num_unindexed_rows) if stats is not None else len(self._corpus)

    def best(self, query: NDArray[np.float32], num: int, condition: str) -> Ranked:
        """Returns the so many rows nearest to a query (D,) among those that meet a condition: nearly all of them, best first."""
        num_allowed = int(self._corpus.table.count_rows(condition or None))
        if condition and num_allowed <= _FEW:
            return self._all(query, num, condition)
        found = self._by_index(query, num, condition)
        # Fewer than there are: the partitions that were looked into hold no more.
        return found if len(found.rows) >= min(num, num_allowed) else self._all(query, num, condition)

    def _all(self, query: NDArray[np.float32], num: int, condition: str) -> Ranked:
        rows, scores = best_as_read(self._corpus, query[None], num, condition)
        return Ranked(rows[0], scores[0])

    def _by_index(self, query: NDArray[np.float32], num: int, condition: str) -> Ranked:
        asked: Any = self._corpus.table.search(query, vector_column_name="vector")
        asked = asked.distance_type("cosine").limit(num)
        asked = asked.refine_factor(self._refine_factor).select(["vector", ROW_ID, "_distance"]).with_row_id(True)
        asked = asked if self._probes is None else asked.nprobes(self._probes)
        found = (asked.where(condition) if condition else asked).to_arrow()
        # Its distances are of the vectors as they are kept, rounded to them; the scores are those that an exact search has.
        scores = self._corpus.embeddings(found) @ query
        rows = found[ROW_ID].to_numpy()
        order = np.lexsort([rows, -scores])
        return Ranked(rows[order], scores[order])
