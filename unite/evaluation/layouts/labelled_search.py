"""Verdicts from the search page as a task: queries that people asked, rows that they called right and wrong (`unite.data.labels`).

A query of one thing (a text, a picture, a clip, or one with words) with at least one right row is a query of the task; one of several
weighted parts is nothing that an encoder embeds at once, and left out. Its rows are what was judged, so the task tells how two encoders
differ on questions that matter to their users, not how often a corpus holds an answer.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from unite.config.schema.media import Decoding
from unite.data.labels import LabelledContent, LabelledQuery, read_labels
from unite.embedding.lazy import FileContent
from unite.errors import ConfigError, DataError, must_be, must_be_one_of
from unite.evaluation.layouts.captions import modality_of_all, task_of
from unite.evaluation.layouts.source import BenchmarkFiles, MissingTaskError
from unite.evaluation.tasks import RetrievalTask
from unite.types import escape_places

log = logging.getLogger(__name__)

#: What a query's candidates are.
POOLS = {
    "all": "every row that was judged for any query; what was not judged for this one counts as wrong, as in TREC",
    "judged": "the rows that were judged for it, which need a wrong one among them",
}


@dataclass(frozen=True, kw_only=True)
class LabelledSearch:
    """A file of labels.

    Attributes:
        labels: the file, relative to the suite's `data_root`.
        pool: what a query's candidates are, one of `POOLS`.
        query_instruction, candidate_instruction: of every query, of every candidate.
        metrics: the first is the main one.

    Raises:
        ConfigError: if there is no such pool.
    """

    labels: str
    pool: str = "all"
    query_instruction: str = ""
    candidate_instruction: str = ""
    metrics: Sequence[str] = ("hit@1", "hit@5", "mrr", "ndcg@10")

    def __post_init__(self) -> None:
        if self.pool not in POOLS:
            raise ConfigError(must_be_one_of("the pool of a LabelledSearch task", POOLS, self.pool))

    def load(self, name: str, data_root: Path, decoding: Decoding) -> RetrievalTask:
        """As of `unite.evaluation.layouts.source.TaskSource`."""
        path = data_root / self.labels
        if not path.is_file():
            hint = "The search page writes it: python -m unite.search index=... labels=labels.jsonl"
            raise MissingTaskError(must_be(str(path), f"the file of labels of task {name}", "not there", hint), path.parent)
        read = read_labels(path)
        asked = [query for query in read if query.content and query.right and (self.pool == "all" or query.wrong)]
        if not asked:
            needed = "a right row" if self.pool == "all" else "a right and a wrong row"
            raise DataError(
                must_be(f"the labels of task {name}", f"of at least one query of one thing with {needed}", f"without, in {path}")
            )
        if len(asked) < len(read):
            log.info(
                "task %s: %d of %d queries are of one thing and have the rows that pool=%s needs", name, len(asked), len(read), self.pool
            )
        queries = {f"q{place}": self._content(query.content, self.query_instruction) for place, query in enumerate(asked) if query.content}
        names = _names(read if self.pool == "all" else asked)
        rows = {id: self._content(row, self.candidate_instruction) for row, id in names.items()}
        files = BenchmarkFiles(name, path.parent, "The media of queries and rows that were labelled must be where they were.")
        files.check(medium for content in (*queries.values(), *rows.values()) for _, medium in content.media)
        return task_of(
            name,
            (queries, modality_of_all(queries)),
            (rows, modality_of_all(rows)),
            relevance={f"q{place}": {names[row]: 1 for row in query.right.values()} for place, query in enumerate(asked)},
            metrics=tuple(self.metrics),
            decoding=decoding,
            pools=None if self.pool == "all" else {f"q{place}": _pool(query, names) for place, query in enumerate(asked)},
        )

    def _content(self, content: LabelledContent, instruction: str) -> FileContent:
        return FileContent(escape_places(content.text), content.media, escape_places(instruction))


def _names(queries: Iterable[LabelledQuery]) -> dict[LabelledContent, str]:
    """Returns row -> candidate id: its own where no other row has it, as those of another corpus may."""
    names: dict[LabelledContent, str] = {}
    taken: Counter[str] = Counter()
    for query in queries:
        for id, row in (query.right | query.wrong).items():
            if row not in names:
                names[row] = id if not taken[id] else f"{id}~{taken[id]}"
                taken[id] += 1
    return names


def _pool(query: LabelledQuery, names: dict[LabelledContent, str]) -> list[str]:
    return list(dict.fromkeys(names[row] for row in (*query.right.values(), *query.wrong.values())))
