"""A corpus at one version of its table, and the way in which its vectors are compared: nothing of it changes while it is searched."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unite.config.schema.index import IndexKind
from unite.errors import DataError, first_of, must_be
from unite.progress import shown
from unite.search.corpus.facts import FACTS
from unite.search.corpus.lance import quoted
from unite.search.corpus.layout import RESERVED, ROW_ID
from unite.search.corpus.place import Place
from unite.search.corpus.stored import StoredCorpus
from unite.search.hits import Hit
from unite.search.index.approximate import VECTOR_INDEX, IndexedVectors
from unite.search.index.exact import VectorsInMemory
from unite.search.index.filters import check_filter, condition_of, told_filter
from unite.search.index.ranking import Ranked, Ranking, fused, page
from unite.search.index.record import RECORD, IndexRecord, read_record
from unite.search.index.words import words_ranking

log = logging.getLogger(__name__)

#: From this share of rows that are not in the index on, it is said: each query compares them all.
_MANY_UNINDEXED = 0.1
#: Rows from which it is said that they have no index.
_MANY_ROWS = 200_000


class Snapshot:
    """A corpus as it is now.

    Args:
        folder: of the corpus.

    Attributes:
        corpus: at this version.
        record: of its index; None where none was built: it is searched exactly then.
        state: what changes when the corpus or its index does.

    Raises:
        DataError: if there is none, or its index is of another encoder's vectors.
    """

    def __init__(self, folder: Place) -> None:
        self.corpus = StoredCorpus(folder)
        self.record = read_record(folder)
        self.state = state_of(folder, int(self.corpus.table.version))
        if self.record is not None:
            self.record.check_made_of(self.corpus.facts, folder)
        self._vectors = self._by_kind(self.record)

    def _by_kind(self, record: IndexRecord | None) -> VectorsInMemory | IndexedVectors:
        num, again = len(self.corpus), f"python -m unite.index corpus={self.corpus.folder}"
        if record is not None and record.kind is not IndexKind.exact:
            if any(index.name == VECTOR_INDEX for index in self.corpus.table.list_indices()):
                indexed = IndexedVectors(self.corpus, record.refine_factor, record.probes)
                if indexed.num_unindexed > _MANY_UNINDEXED * num:
                    told = "%d of %d rows are not in the index yet, and each search compares them all: %s"
                    log.warning(told, indexed.num_unindexed, num, again)
                return indexed
            log.warning("the index of %s is not there any more, and it is searched without: %s", self.corpus.folder, again)
        elif record is None and num > _MANY_ROWS:
            log.warning("%d rows are searched without an index: %s", num, again)
        with shown(f"reading {num:,} vectors"):
            return VectorsInMemory(self.corpus)

    def search(
        self,
        vector: NDArray[np.float32] | None,
        words: str,
        *,
        where: str,
        modalities: Sequence[str],
        without: Sequence[str],
        k: int,
        offset: int,
    ) -> list[Hit]:
        """Returns hits, see `Index.search`."""
        if where.strip():
            check_filter(self.corpus, where)
        condition = condition_of(where, modalities, without)
        rankings: list[Ranking] = []
        if vector is not None:
            rankings.append(lambda num: self._vectors.best(vector, num, condition))
        if words.strip():
            rankings.append(words_ranking(self.corpus, words, condition))
        with told_filter(where, self.corpus.columns):
            found = page(fused(rankings) if words.strip() else rankings[0], offset, k)
        return self._hits(found)

    def embeddings(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """Returns the vectors (n, D) of rows. Raises DataError if one is not there."""
        wanted = list(dict.fromkeys(ids))
        found = self.corpus.read(["id", "vector"], f"id IN ({quoted(wanted)})")
        places = {id: place for place, id in enumerate(found["id"].to_pylist())}
        if missing := [id for id in wanted if id not in places]:
            raise DataError(must_be("like", f"ids of rows of {self.corpus.folder}", first_of(missing)))
        return self.corpus.embeddings(found)[[places[id] for id in ids]]

    def row(self, id: str) -> Hit:
        """Returns a row as a hit of score 1. Raises DataError if it is not there."""
        return _hit(self.corpus.rows([id])[0], 1.0)

    def _hits(self, found: Ranked) -> list[Hit]:
        if not len(found.rows):
            return []
        names = [name for name in self.corpus.schema.names if name != "vector"]
        taken = self.corpus.table.take_row_ids(found.rows.tolist()).select(names).with_row_id().to_arrow()
        rows = {row[ROW_ID]: row for row in taken.to_pylist()}
        return [_hit(rows[id], score) for id, score in zip(found.rows.tolist(), found.scores.tolist(), strict=True)]


def state_of(folder: Place, version: int) -> tuple[int, str, str]:
    """Returns what changes when a corpus or its index does: the table's version, and when facts and record were written."""
    return version, (folder / FACTS).state(), (folder / RECORD).state()


def _hit(row: Mapping[str, Any], score: float) -> Hit:
    metadata = {name: value for name, value in row.items() if name not in RESERVED}
    return Hit(row["id"], score, row["source"], row["modality"], row["text"] or "", metadata, row["thumbnail"])
