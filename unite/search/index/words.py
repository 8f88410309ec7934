"""Full text: the rows whose texts hold words of a query, by BM25."""

from __future__ import annotations

from typing import Any

import numpy as np

from unite.search.corpus.layout import ROW_ID
from unite.search.corpus.stored import StoredCorpus
from unite.search.index.ranking import Ranked, Ranking

TEXT_INDEX = "text_idx"


def words_ranking(corpus: StoredCorpus, words: str, condition: str) -> Ranking:
    """Returns the rows that hold one of the words at least, those that hold more and rarer ones first.

    Without an index of the texts all of them are read, and words are taken as English.

    Args:
        corpus: at one version of its table.
        words: as a person writes them; nothing in them is an operator.
        condition: in SQL, which rows; "" is all.
    """
    from lancedb.query import MatchQuery

    query: Any = MatchQuery  # whose defaults mypy does not see

    def best(num: int) -> Ranked:
        asked = corpus.table.search(query(words, "text"), query_type="fts").limit(num).select([ROW_ID, "_score"]).with_row_id(True)
        found = (asked.where(condition) if condition else asked).to_arrow()
        rows, scores = found[ROW_ID].to_numpy(), found["_score"].to_numpy()
        order = np.lexsort([rows, -scores])  # of equal scores the row that was stored first
        return Ranked(rows[order], scores[order])

    return best
