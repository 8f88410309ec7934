"""Retrieval in BEIR's form, as Hugging Face stores it: a repository of three configs, all of parquet. ViDoRe, VisRAG, texts as well.

    queries    query-id, query[, language]     the questions
    corpus     corpus-id, image | text         the candidates, pages say; every query is ranked against all
    qrels      query-id, corpus-id, score      how relevant a candidate is to a query: above 0 it is, and 0 is as good as no row

Columns as in public loaders (`src/data/eval_dataset/vidore_dataset.py` and `visrag_dataset.py` of TIGER-AI-Lab/VLM2Vec, mteb's ViDoRe
tasks); the data files were not at hand. Of rows of qrels that repeat a query and a candidate the highest score counts, as there. A query
without qrels raises a KeyError there; here it is refused, or left out and counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from unite.config.schema.media import Decoding
from unite.embedding.lazy import FileContent, FileContents, LazyContent
from unite.embedding.parquet import ParquetContents
from unite.errors import ConfigError, first_of, must_be_one_of
from unite.evaluation.layouts.hub_table import NUMBERS, PICTURES, TEXTS, WHOLE_NUMBERS, HubTable
from unite.evaluation.layouts.qrels import Grades, Id, Unmatched, graded, matched, paired_as_published, tell
from unite.evaluation.layouts.source import BenchmarkFiles
from unite.evaluation.tasks import TIES, RetrievalTask
from unite.types import Modality, escape_places

_COLUMNS = ("query-id", "query", "language", "corpus-id", "image", "text", "score")


class Pairing(StrEnum):
    """Which grade a relevant candidate of a query has."""

    own = "own"
    published = "published"


@dataclass(frozen=True, kw_only=True)
class Beir:
    """Queries and a corpus of pictures or texts.

    Attributes:
        folder: of the repository, relative to the suite's `data_root`.
        split: of all three configs.
        language: of the queries, as their column `language` has it; null is all.
        columns: name here -> name in the files, for those that have another (`{query-id: _id}`).
        candidate: columns of the corpus that a candidate is made of: at most one of pictures, and texts, which are joined by a blank.
            By default `image`, or `text` where there are no images.
        query_instruction, candidate_instruction: of every query, of every candidate.
        unmatched: `refuse`, or `leave_out` and log how many: queries without a relevant candidate, and qrels above 0 of queries or
            candidates that are not there.
        grades: `own`, or `published`: MMEB-V2's code puts the relevant candidates of a query into a set and gives its grades to them in
            the order of that. Where grades differ within a query, its number comes out by `published` alone. Of ids that are texts that
            order is another in every process: candidates then keep their own grades, which is told.
        ties: which of equal scores comes first, see `unite.evaluation.tasks.TIES`.
        metrics: as the field reports them.
    """

    folder: str
    split: str = "test"
    language: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    candidate: tuple[str, ...] = ()
    query_instruction: str = ""
    candidate_instruction: str = ""
    unmatched: str = "refuse"
    grades: str = "own"
    ties: str = "trec_eval"
    metrics: tuple[str, ...] = ("ndcg@10",)

    def __post_init__(self) -> None:
        options = (("unmatched", Unmatched, self.unmatched), ("grades", Pairing, self.grades), ("ties", TIES, self.ties))
        for name, choices, value in options:
            if value not in list(choices):
                raise ConfigError(must_be_one_of(f"the option {name} of a Beir task", choices, value))
        for name in self.columns:
            if name not in _COLUMNS:
                raise ConfigError(must_be_one_of("a name in `columns` of a Beir task", _COLUMNS, name))

    def load(self, name: str, data_root: Path, decoding: Decoding) -> RetrievalTask:
        """As of `unite.evaluation.layouts.source.TaskSource`."""
        wanted = f"Put the data set {self.folder} of the Hugging Face hub there, as `hf download --repo-type dataset` writes it."
        files = BenchmarkFiles(name, data_root / self.folder, wanted)
        queries, corpus, qrels = (HubTable.open(files, config, self.split) for config in ("queries", "corpus", "qrels"))
        texts = self._texts(queries)
        ids = self._ids(corpus, "corpus-id")
        _check_unique(corpus, self._column("corpus-id"), ids)
        asked = self._grades(qrels, queries, corpus, list(texts), ids)
        instruction = escape_places(self.query_instruction)
        contents = [FileContent(escape_places(texts[query]), instruction=instruction) for query in asked]
        pages, modality = self._candidates(corpus, [f"{one} of task {name}" for one in ids], decoding)
        return RetrievalTask(
            name=name,
            query_ids=[str(query) for query in asked],
            queries=FileContents(contents, [f"{query} of task {name}" for query in asked], decoding),
            candidate_ids=[str(one) for one in ids],
            candidates=pages,
            relevance={str(query): {str(one): grade for one, grade in of.items()} for query, of in asked.items()},
            query_modality=Modality.TEXT,
            candidate_modality=modality,
            metrics=tuple(self.metrics),
            ties=self.ties,
        )

    def _column(self, name: str) -> str:
        return self.columns.get(name, name)

    def _ids(self, table: HubTable, name: str) -> list[Id]:
        ids: list[Id] = table.column(self._column(name), TEXTS, WHOLE_NUMBERS)
        return ids

    def _texts(self, queries: HubTable) -> dict[Id, str]:
        """Returns the queries of the language."""
        rows = list(zip(self._ids(queries, "query-id"), queries.column(self._column("query"), TEXTS), strict=True))
        if self.language is not None:
            languages = queries.column(self._column("language"), TEXTS)
            rows = [row for row, language in zip(rows, languages, strict=True) if language == self.language]
            if not rows:
                expected = f"one that queries are in ({', '.join(sorted(set(languages)))})"
                raise queries.files.broken("the option language", expected, self.language)
        _check_unique(queries, self._column("query-id"), [query for query, _ in rows])
        empty = [str(query) for query, text in rows if not text.strip()]
        if empty:
            raise queries.files.broken("the texts of queries", "filled", f"empty for {first_of(empty)}")
        return dict(rows)

    def _grades(self, qrels: HubTable, queries: HubTable, corpus: HubTable, asked: Sequence[Id], candidates: Sequence[Id]) -> Grades:
        columns = []
        for name, table in (("query-id", queries), ("corpus-id", corpus)):
            column, kind = self._column(name), table.kinds[self._column(name)]
            found = qrels.check(column, TEXTS, WHOLE_NUMBERS)
            if found != kind:
                raise qrels.files.broken(f"the column {column!r} of qrels", f"of {kind}, as that of {table.config}", found)
            columns.append(qrels.column(column, kind))
        scores = qrels.column(self._column("score"), WHOLE_NUMBERS, NUMBERS)
        grades = graded(qrels.files, zip(*columns, scores, strict=True))
        known = set(self._ids(queries, "query-id"))
        left = matched(qrels.files, grades, asked, known, set(candidates), Unmatched(self.unmatched))
        if self.grades == Pairing.own:
            return left
        if kind != WHOLE_NUMBERS:
            tell(qrels.files.task, "its pages keep their own grades: ids that are texts stand in a set in another order in every process")
            return left
        return {query: paired_as_published(of) for query, of in left.items()}

    def _candidates(self, corpus: HubTable, names: list[str], decoding: Decoding) -> tuple[Sequence[LazyContent], Modality]:
        image = self._column("image")
        made_of = list(self.candidate) or [image if image in corpus.kinds else self._column("text")]
        kinds = [corpus.check(column, TEXTS, PICTURES) for column in made_of]
        if kinds.count(PICTURES) > 1:
            raise corpus.files.broken("the option candidate", "at most one column of pictures", ", ".join(made_of))
        parts = [corpus.column(column, TEXTS) for column, kind in zip(made_of, kinds, strict=True) if kind == TEXTS]
        texts = [escape_places(several[0] if len(several) == 1 else " ".join(several).strip()) for several in zip(*parts, strict=True)]
        instruction = escape_places(self.candidate_instruction)
        if PICTURES in kinds:
            pictures = corpus.pictures(made_of[kinds.index(PICTURES)])
            modality = Modality.IMAGE | Modality.TEXT if parts else Modality.IMAGE
            return ParquetContents(pictures, texts or [""] * len(names), names, instruction, decoding), modality
        empty = [name for name, one in zip(names, texts, strict=True) if not one.strip()]
        if empty:
            raise corpus.files.broken(f"the texts of {corpus.config}", "filled", f"empty for {first_of(empty)}")
        return FileContents([FileContent(one, instruction=instruction) for one in texts], names, decoding), Modality.TEXT


def _check_unique(table: HubTable, column: str, ids: Sequence[Id]) -> None:
    seen: set[Id] = set()
    twice = [str(one) for one in ids if one in seen or seen.add(one)]  # type: ignore[func-returns-value]
    if twice:
        raise table.files.broken(f"the column {column!r} of {table.config}", "without repeats", f"{first_of(twice)} again")
