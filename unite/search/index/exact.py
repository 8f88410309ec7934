"""The nearest of all vectors of a corpus, by the product's own top-k: in memory, or block by block as they are read.

Shapes: N rows, D dimensions, Q queries.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from unite.retrieval.topk import search
from unite.search.corpus.layout import ROW_ID
from unite.search.corpus.stored import StoredCorpus
from unite.search.index.filters import RowFilter
from unite.search.index.ranking import Ranked

#: Rows that are read and compared at a time.
_BLOCK = 65_536


class VectorsInMemory:
    """All vectors of one version of a corpus, as float32: 4 D bytes a row.

    Args:
        corpus: at that version.

    Attributes:
        rows: (N,) uint64, the ids of its rows, ascending: the order in which they were stored.
        matrix: (N, D) float32 of unit length.
    """

    def __init__(self, corpus: StoredCorpus) -> None:
        matrix, rows, start = np.empty((len(corpus), corpus.facts.dim), np.float32), np.empty(len(corpus), np.uint64), 0
        for batch in corpus.batches(["vector", ROW_ID]):
            part = slice(start, start := start + len(batch))
            matrix[part], rows[part] = corpus.embeddings(batch), batch[ROW_ID].to_numpy()
        if not (rows[:-1] < rows[1:]).all():
            order = rows.argsort()
            matrix, rows = matrix[order], rows[order]
        self.rows, self.matrix = rows, torch.from_numpy(matrix)
        self._filter = RowFilter(corpus, rows)

    def best(self, query: NDArray[np.float32], num: int, condition: str) -> Ranked:
        """Returns the so many rows of the greatest cosine similarity to a query (D,) among those that meet a condition."""
        if not len(self.rows):
            return Ranked.none()
        allowed = torch.from_numpy(self._filter.allowed(condition)) if condition else None
        num = min(num, len(self.rows) if allowed is None else int(allowed.sum()))
        if not num:
            return Ranked.none()
        scores, places = search(torch.from_numpy(query)[None], self.matrix, num, allowed=allowed, device="cpu")
        return Ranked(self.rows[places[0].numpy()], scores[0].numpy())


def best_as_read(
    corpus: StoredCorpus, queries: NDArray[np.float32], num: int, condition: str = ""
) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    """Returns the rows of the greatest cosine similarity to each of several queries, reading every vector once.

    Args:
        corpus: whose rows.
        queries: (Q, D) of unit length.
        num: how many.
        condition: in SQL, which rows; "" is all.

    Returns:
        rows and scores, (Q, min(num, rows that meet it)), best first; of equal scores in the order in which they are stored.
    """
    asked = torch.from_numpy(queries)
    rows, scores = torch.empty(len(queries), 0, dtype=torch.int64), torch.empty(len(queries), 0)
    for batch in corpus.batches(["vector", ROW_ID], condition, _BLOCK):
        if not len(batch):
            continue
        found, places = search(asked, torch.from_numpy(corpus.embeddings(batch)), num, device="cpu")
        ids = torch.from_numpy(batch[ROW_ID].to_numpy().astype(np.int64))
        rows = torch.cat([rows, ids[places]], dim=1)
        # What was read before stands first: a stable sort keeps the order of ties.
        scores, order = torch.cat([scores, found], dim=1).sort(dim=1, descending=True, stable=True)
        rows, scores = rows.gather(1, order)[:, :num], scores[:, :num]
    return rows.numpy().astype(np.uint64), scores.numpy()
