"""Rows of a corpus, read and decoded: ready to be embedded, or to take over the vector of a row with the same content."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from unite.config.schema.embed import CorpusOptions, Embedded
from unite.embedding.embed import DECODED_AHEAD
from unite.embedding.lazy import LazyContent
from unite.errors import DataError, UniteError
from unite.search.corpus.columns import cast
from unite.search.corpus.corpus import Corpus, Survey
from unite.search.corpus.outcome import Counts
from unite.search.corpus.rows import CorpusRow, as_utf8
from unite.search.corpus.thumbnail import thumbnail
from unite.types import Content

_THREADS = 8


@dataclass(frozen=True)
class ReadyRow:
    """A row whose content is decoded, or whose vector is known under another id."""

    columns: Mapping[str, Any]
    content: Content | None
    same_as: str


@dataclass(frozen=True)
class MakerJob:
    """What every process that makes parts of a corpus is told.

    Attributes:
        corpus, survey: the rows.
        options: how it is embedded and kept.
        contents: fingerprint -> the id of a stored row with that content.
        most_skipped: rows that may be unreadable.
        is_ahead: whether threads decode ahead, as beside a GPU.
    """

    corpus: Corpus
    survey: Survey
    options: CorpusOptions
    contents: Mapping[int, str]
    most_skipped: float
    is_ahead: bool


class ReadyRows:
    """Reads rows of a corpus.

    Args:
        job: which corpus, and how it is read.
        kinds: name -> type of the columns of metadata.
        counts: where rows that changed since the survey are counted.
    """

    def __init__(self, job: MakerJob, kinds: Mapping[str, Any], counts: Counts) -> None:
        self.job, self.survey, self.options, self.counts = job, job.survey, job.options, counts
        self._kinds = kinds

    def at(self, positions: Iterable[int]) -> Iterator[tuple[int, ReadyRow | UniteError]]:
        """Yields rows ready to be embedded. Beside a GPU threads decode some of them ahead; on a CPU its cores are the encoder's."""
        if not self.job.is_ahead:
            for position in positions:
                yield position, self._ready(position, self._read(position))
            return
        waiting: deque[tuple[int, Callable[[], ReadyRow | UniteError]]] = deque()
        with ThreadPoolExecutor(_THREADS) as threads:
            for position in positions:  # rows themselves are read here: tables are no thread's but one's
                waiting.append((position, threads.submit(self._ready, position, self._read(position)).result))
                if len(waiting) > DECODED_AHEAD:
                    position, result = waiting.popleft()
                    yield position, result()
            for position, result in waiting:
                yield position, result()

    def _read(self, position: int) -> CorpusRow | UniteError:
        try:
            return self.job.corpus.row(position)
        except DataError as error:
            return error

    def _ready(self, position: int, row: CorpusRow | UniteError) -> ReadyRow | UniteError:
        if isinstance(row, UniteError):
            return row
        try:
            is_alone = self.options.embedded is Embedded.media
            lazy = row.content(self.options.decoding, self.options.instruction, media_alone=is_alone)
            columns = self._columns(position, row, lazy)
            if (same_as := self.job.contents.get(lazy.fingerprint)) is not None:
                return ReadyRow(columns, None, same_as)
            content = lazy.decode()
            return ReadyRow({**columns, "thumbnail": thumbnail(content, self.options.thumbnail)}, content, "")
        except DataError as error:
            return error
        finally:
            state = self.job.corpus.state(position)
            if state is not None and state != (self.survey.sizes[position], self.survey.modified[position]):
                self.counts.changed += 1

    def _columns(self, position: int, row: CorpusRow, lazy: LazyContent) -> dict[str, Any]:
        cells = {name: cast(value, self._kinds[name]) for name, value in row.metadata.items()}
        return {
            **{name: as_utf8(cell) if isinstance(cell, str) else cell for name, cell in cells.items()},
            "id": self.survey.ids[position],
            "source": as_utf8(row.source),
            "modality": str(lazy.stored.modality),
            "text": row.text,
            "fingerprint": lazy.fingerprint,
            "size": int(self.survey.sizes[position]),
            "modified": int(self.survey.modified[position]),
        }
