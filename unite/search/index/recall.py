"""What an index is worth: recall@10 against an exact search, on rows of the corpus as queries."""

from __future__ import annotations

import statistics
import time
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unite.progress import shown
from unite.search.corpus.layout import ROW_ID
from unite.search.corpus.stored import StoredCorpus
from unite.search.index.approximate import IndexedVectors
from unite.search.index.exact import VectorsInMemory, best_as_read
from unite.search.index.ranking import Ranked, page

_K = 10
#: Two scores of the same pair differ by so much, where one is summed in another order.
_ROUNDING = 1e-6


class Measured(NamedTuple):
    """What was measured.

    Attributes:
        recall_at_10: share of the 10 nearest other rows that are found.
        milliseconds: of a query, the median.
        sample: rows that were queries.
    """

    recall_at_10: float
    milliseconds: float
    sample: int


def measured(corpus: StoredCorpus, vectors: VectorsInMemory | IndexedVectors, sample: int, seed: int) -> Measured:
    """Searches for rows drawn by chance, each the query for the others, as `Index` does, and exactly.

    A hit counts as found if its score is that of the tenth nearest at least: of equal ones any is right.

    Args:
        corpus: with two rows at least; of one nothing can be told, and its recall is 1.
        vectors: what is measured.
        sample: how many rows.
        seed: of the draw.
    """
    rows = corpus.read([ROW_ID])[ROW_ID].to_numpy()
    drawn = np.sort(np.random.default_rng(seed).permutation(rows)[:sample])
    taken = corpus.table.take_row_ids(drawn.tolist()).select(["vector"]).with_row_id().to_arrow()
    queries, itself = corpus.embeddings(taken), taken[ROW_ID].to_numpy()
    found, seconds = [], []
    with shown(f"measuring recall on {len(queries)} queries"):
        for query in queries:
            start = time.perf_counter()
            found.append(page(partial(_best, vectors, query), 0, _K + 1))
            seconds.append(time.perf_counter() - start)
        exact_rows, exact_scores = best_as_read(corpus, queries, _K + 1)
    shares = []
    for query, ranked in enumerate(found):
        nearest = exact_scores[query][exact_rows[query] != itself[query]][:_K]
        if len(nearest):
            others = ranked.scores[ranked.rows != itself[query]][:_K]
            shares.append(min(1.0, float((others >= nearest[-1] - _ROUNDING).sum()) / len(nearest)))
    return Measured(statistics.fmean(shares) if shares else 1.0, 1000 * statistics.median(seconds), len(queries))


def _best(vectors: VectorsInMemory | IndexedVectors, query: NDArray[np.float32], num: int) -> Ranked:
    return vectors.best(query, num, "")
