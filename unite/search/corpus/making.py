"""Rows of a corpus to parts: read, decoded a little ahead, embedded together, and written as they are done.

A part holds what was embedded in half a minute, or some thousand rows: as much as a kill may cost. A row that cannot be read or decoded is
skipped and named. One whose content the corpus has already, under whatever id, takes over its vector.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from unite.config.schema.vectors import Vectors
from unite.embedding.embed import CPU_BUDGET, Encoder, embed_contents
from unite.embedding.memory import MemoryCache
from unite.errors import DataError, UniteError, must_be
from unite.search.corpus.layout import vector_column
from unite.search.corpus.outcome import Counts
from unite.search.corpus.parts import EXACT, Parts
from unite.search.corpus.ready import MakerJob, ReadyRow, ReadyRows
from unite.search.corpus.stored import StoredCorpus
from unite.search.corpus.vectors import pack
from unite.types import Content, fingerprint


class TooManySkippedError(DataError):
    """More rows of a corpus are unreadable than may be."""


class Maker:
    """Makes parts of some rows.

    Args:
        job: which, and how.
        encoder: gives the encoder; it is asked for when the first row wants it.
        stored: what is taken over from, and whose layout the parts have.
        parts: where they go.
    """

    def __init__(self, job: MakerJob, encoder: Callable[[], Encoder], stored: StoredCorpus, parts: Parts) -> None:
        self.job, self.encoder, self.stored, self.parts = job, encoder, stored, parts
        self.survey, self.options = job.survey, job.options
        # On a CPU no micro-batch is larger anyway, and a window of many minutes would be lost with a kill.
        self._token_budget = job.options.token_budget if job.is_ahead else min(job.options.token_budget, CPU_BUDGET)
        self.counts = Counts()
        self._ready = ReadyRows(job, stored.columns, self.counts)
        self._schema = pa.schema([*stored.schema, pa.field(EXACT, pa.binary())])
        share = min(1.0, self.options.recall_sample / max(len(self.survey.ids), 1))
        self._sampled = (1 << 32) * share * (self.options.vectors is not Vectors.float32)
        self._skipped: list[dict[str, Any]] = []

    def make(self, positions: Sequence[int], on_progress: Callable[[int], None], after_part: Callable[[], None]) -> None:
        """Embeds the rows at some positions.

        Args:
            positions: which.
            on_progress: called with the number of rows done since the last call.
            after_part: called after each part.

        Raises:
            DataError: if more rows are unreadable than may be.
            OSError: if a part cannot be written.
        """
        rest = deque(positions)
        while rest:
            ends = time.monotonic() + self.options.seconds_per_part

            def drawn(ends: float = ends) -> Iterator[int]:
                taken = 0
                while rest and taken < self.options.rows_per_part and (time.monotonic() < ends or not taken):
                    taken += 1
                    yield rest.popleft()

            self._make_part(drawn(), MemoryCache(), on_progress)
            self.parts.write_skipped(self._skipped)
            self._skipped = []
            after_part()

    def _make_part(self, positions: Iterable[int], cache: MemoryCache, on_progress: Callable[[int], None]) -> None:
        drawn: list[int] = []
        rows: list[ReadyRow] = []
        names: list[str] = []
        taken_over: list[ReadyRow] = []

        def contents() -> Iterator[Content]:
            for position, ready in self._ready.at(positions):
                drawn.append(position)
                if isinstance(ready, UniteError):
                    self._skip(position, ready)
                    on_progress(1)
                elif ready.content is None:
                    taken_over.append(ready)
                    on_progress(1)
                else:
                    rows.append(ready)
                    names.append(str(ready.columns["source"]))
                    content = ready.content
                    rows[-1] = ReadyRow(ready.columns, None, "")  # its pixels are no longer held
                    yield content

        skipped = self.counts.skipped, list(self._skipped)
        drawing = contents()
        first = next(drawing, None)
        embeddings = np.empty((0, self.stored.facts.dim), np.float32)
        if first is not None:
            done = 0

            def report(count: int) -> None:
                nonlocal done
                done += count
                on_progress(count)

            try:
                embeddings = embed_contents(
                    self.encoder(),
                    chain([first], drawing),
                    token_budget=self._token_budget,
                    ids=names,
                    cache=cache,
                    on_progress=report,
                ).numpy()
            except TooManySkippedError:
                raise
            except DataError as error:  # of one of them: it is looked for, and what was embedded is in the cache
                on_progress(-done - (len(drawn) - len(rows)))
                self.counts.skipped, self._skipped = skipped
                if len(drawn) == 1:
                    self._skip(drawn[0], error)
                    on_progress(1)
                    return
                half = len(drawn) // 2
                self._make_part(drawn[:half], cache, on_progress)
                self._make_part(drawn[half:], cache, on_progress)
                return
        self._write(rows, embeddings, taken_over)

    def _write(self, rows: Sequence[ReadyRow], embeddings: NDArray[np.float32], taken_over: Sequence[ReadyRow]) -> None:
        if rows:
            kept = pack(embeddings, self.options.vectors)
            exact = [
                embedding.tobytes() if fingerprint(row.columns["id"]) % (1 << 32) < self._sampled else None
                for row, embedding in zip(rows, embeddings, strict=True)
            ]
            self.parts.write(self._table([row.columns for row in rows], vector_column(kept), exact))
        if taken_over:
            wanted = list(dict.fromkeys(row.same_as for row in taken_over))
            known = {row["id"]: row for row in self.stored.rows(wanted, ["vector", "thumbnail"])}
            columns = [{**row.columns, "thumbnail": known[row.same_as]["thumbnail"]} for row in taken_over]
            field = self.stored.schema.field("vector")
            self.parts.write(self._table(columns, pa.array([known[row.same_as]["vector"] for row in taken_over], field.type), None))
        self.counts.embedded += len(rows)
        self.counts.taken_over += len(taken_over)

    def _table(self, rows: Sequence[Mapping[str, Any]], vectors: pa.Array, exact: Sequence[bytes | None] | None) -> pa.Table:
        columns = []
        for field in self._schema:
            if field.name == "vector":
                columns.append(vectors.cast(field.type))
            elif field.name == EXACT:
                columns.append(pa.array(exact or [None] * len(rows), pa.binary()))
            else:
                columns.append(pa.array([row.get(field.name) for row in rows], field.type))
        return pa.table(columns, schema=self._schema)

    def _skip(self, position: int, error: UniteError) -> None:
        self.counts.skipped += 1
        self.counts.first = self.counts.first or error.told
        self._skipped.append({"id": self.survey.ids[position], "reason": error.told})
        if self.counts.skipped > self.job.most_skipped:
            self.parts.write_skipped(self._skipped)
            expected = f"at most max_skipped_share ({self.options.max_skipped_share:g}) of the corpus"
            hint = "Mend them, or raise it; what was embedded is kept."
            raise TooManySkippedError(must_be("the rows that cannot be read", expected, f"more: {self.counts.first}", hint))
