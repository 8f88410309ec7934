"""A retrieval task: queries, candidates, which candidate is right for which query, and the metrics asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING

from unite.batch import index_tensor
from unite.config.schema.media import Decoding
from unite.data.shards import ShardReader
from unite.data.tasks import StoredTask, read_task
from unite.embedding.lazy import FileContents, LazyContent, StoredContents
from unite.embedding.parquet import ParquetContents
from unite.errors import DataError, first_of, must_be, must_be_one_of
from unite.evaluation.metrics import largest_k
from unite.media import kind_of
from unite.types import Content, Modality, fingerprint

if TYPE_CHECKING:
    from torch import Tensor

#: What a task of each kind is asked. "pair" tasks are the modality pairs that a suite's mean is over; a "subset" is a test of its own,
#: the spatial and the temporal one say, with a few hard candidates a query.
METRICS_OF_KIND = {
    "pair": ("recall@1", "recall@5", "recall@10", "mrr", "ndcg@10"),
    "subset": ("recall@1", "recall@5", "mrr"),
}
#: Which of equal scores comes first, by the rules that benchmarks are published with.
TIES = {
    "trec_eval": "of equal scores the candidate comes first whose id sorts last",
    "argmax": "of equal scores the candidate comes first that stands first among the query's own",
}


@dataclass(frozen=True, eq=False)
class RetrievalTask:
    """Q queries, each with its relevant ones among C candidates.

    Instructions, for both sides, are kept in the contents.

    Attributes:
        name: as in metric keys.
        query_ids, queries: (Q,) ids, and contents, decoded or not.
        candidate_ids, candidates: (C,) the same.
        relevance: query id -> candidate id -> grade; a grade above 0 is relevant.
        pools: query id -> the candidates it is ranked against; None where it is all of them.
        query_modality, candidate_modality: what the two sides are made of, all their contents together: of a few a part may be missing, and
            the queries of MMEB-V2's MomentSeeker are texts alone, with an image, or with a video.
        kind: "pair" or "subset", see `METRICS_OF_KIND`.
        metrics: names that `unite/evaluation/metrics.py` lists; by default those of the kind.
        ties: which of equal scores comes first, see `TIES`. A query's own candidates are its pool, in the order of it, if it has one.
        labels: candidate id -> attribute -> group, for `unite.audit`; none where candidates say of no group.

    Raises:
        DataError: on a duplicate or unknown id, a query without relevant candidate, an empty pool, or a relevant candidate outside its
            query's pool.
    """

    name: str
    query_ids: Sequence[str]
    queries: Sequence[Content | LazyContent]
    candidate_ids: Sequence[str]
    candidates: Sequence[Content | LazyContent]
    relevance: Mapping[str, Mapping[str, int]]
    query_modality: Modality
    candidate_modality: Modality
    pools: Mapping[str, Sequence[str]] | None = None
    kind: str = "pair"
    metrics: tuple[str, ...] = field(default=())
    ties: str = "trec_eval"
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of_stored(cls, stored: StoredTask, decoding: Decoding) -> RetrievalTask:
        """Views a task on disk.

        Its metadata may hold `kind`, `ties`, and `metrics` (see `unite/evaluation/metrics.py`) separated by commas.
        """
        metrics = tuple(name.strip() for name in stored.metadata.get("metrics", "").split(",") if name.strip())
        return cls(
            name=stored.name,
            query_ids=_keys(stored.queries),
            queries=StoredContents(stored.queries, decoding, stored.query_modality),
            candidate_ids=_keys(stored.candidates),
            candidates=StoredContents(stored.candidates, decoding, stored.candidate_modality),
            relevance=stored.relevance,
            query_modality=stored.query_modality,
            candidate_modality=stored.candidate_modality,
            pools=stored.pools,
            kind=stored.metadata.get("kind", "pair"),
            metrics=metrics,
            ties=stored.metadata.get("ties", "trec_eval"),
            labels=stored.labels or {},
        )

    @classmethod
    def of_folder(cls, folder: str | Path, decoding: Decoding | None = None) -> RetrievalTask:
        """Reads a task folder that `unite.data.tasks.write_task` wrote."""
        return cls.of_stored(read_task(folder), decoding or Decoding())

    def __post_init__(self) -> None:
        if self.kind not in METRICS_OF_KIND:
            raise DataError(must_be_one_of(f"the kind of task {self.name}", METRICS_OF_KIND, self.kind))
        if self.ties not in TIES:
            raise DataError(must_be_one_of(f"the rule of ties of task {self.name}", TIES, self.ties))
        object.__setattr__(self, "metrics", tuple(self.metrics) or METRICS_OF_KIND[self.kind])
        largest_k(self.metrics)  # refuses a metric that there is none of
        self._check_ids()
        self._check_relevance()
        self._check_pools()

    @property
    def pair(self) -> str:
        """`text->image`."""
        return f"{self.query_modality}->{self.candidate_modality}"

    @cached_property
    def pool_sizes(self) -> tuple[int, ...]:
        """(Q,) how many candidates each query is ranked against."""
        if self.pools is None:
            return (len(self.candidate_ids),) * len(self.query_ids)
        return tuple(len(self.pools[query]) for query in self.query_ids)

    @property
    def clips_k(self) -> bool:
        """Whether a metric asks for more candidates than some query has: of that one it looks at the whole ranking, as trec_eval does."""
        return largest_k(self.metrics) > min(self.pool_sizes)

    @cached_property
    def relevant(self) -> dict[str, dict[str, int]]:
        """Query id -> relevant candidate id -> grade, all above 0, in the order of the queries."""
        return {query: {name: grade for name, grade in self.relevance[query].items() if grade > 0} for query in self.query_ids}

    @cached_property
    def tie_order(self) -> list[int]:
        """(C,) all candidates in the order in which equal scores rank."""
        rows = range(len(self.candidate_ids))
        return list(rows) if self.ties == "argmax" else sorted(rows, key=lambda row: self.candidate_ids[row], reverse=True)

    def pool_of(self, query: str) -> Sequence[str]:
        """Returns the ids of the candidates that a query is ranked against, in the order in which equal scores rank."""
        if self.pools is None:
            return [self.candidate_ids[row] for row in self.tie_order]
        return self.pools[query] if self.ties == "argmax" else sorted(self.pools[query], reverse=True)

    def targets(self) -> Tensor:
        """Returns (Q, R) the relevant candidates of each query as places in `tie_order`, -1 where there are fewer than R."""
        return self._places([list(names) for names in self.relevant.values()])

    def pool_members(self) -> Tensor | None:
        """Returns (Q, P) the pool of each query as places in `tie_order`, -1 where it is smaller than P; None without pools.

        The members of a pool stand in the order in which equal scores rank.
        """
        if self.pools is None:
            return None
        members = self._places([self.pools[query] for query in self.query_ids])
        if self.ties == "argmax":
            return members
        last = len(self.candidate_ids)
        members = members.masked_fill(members < 0, last).sort(dim=1).values
        return members.masked_fill(members == last, -1)

    def _places(self, names: Sequence[Sequence[str]]) -> Tensor:
        place_of = {self.candidate_ids[row]: place for place, row in enumerate(self.tie_order)}
        width = max(map(len, names))
        return index_tensor([[place_of[name] for name in several] + [-1] * (width - len(several)) for several in names])

    def _check_ids(self) -> None:
        for side, ids, contents in (
            ("queries", self.query_ids, self.queries),
            ("candidates", self.candidate_ids, self.candidates),
        ):
            if not ids or len(ids) != len(contents):
                actual = f"{len(ids)} ids and {len(contents)} contents"
                raise DataError(must_be(f"the {side} of task {self.name}", "at least one content, with an id each", actual))
            if len(set(ids)) != len(ids):
                twice = first_of(_duplicates(ids))
                raise DataError(must_be(f"the ids of the {side} of task {self.name}", "unique", twice, "Each stands there more than once."))

    def _check_relevance(self) -> None:
        queries, candidates = set(self.query_ids), set(self.candidate_ids)
        unknown = [query for query in self.relevance if query not in queries]
        unknown += [name for judged in self.relevance.values() for name in judged if name not in candidates]
        if unknown:
            raise DataError(
                must_be(f"the ids in the relevance of task {self.name}", "ids of its queries and candidates", first_of(unknown))
            )
        for query, judged in self.relevance.items():
            broken = [grade for grade in judged.values() if not isinstance(grade, Real) or grade != grade // 1]  # nor NaN, nor infinite
            if broken:
                raise DataError(must_be(f"the grades of query {query!r} of task {self.name}", "whole numbers", broken[0]))
        without = [query for query in self.query_ids if not any(grade > 0 for grade in self.relevance.get(query, {}).values())]
        if without:
            hint = "Leave such queries out of the task."
            raise DataError(
                must_be(f"the queries of task {self.name}", "given a relevant candidate each", f"none for {first_of(without)}", hint)
            )

    def _check_pools(self) -> None:
        if self.pools is not None:
            candidates = set(self.candidate_ids)
            for query in self.query_ids:
                pool = self.pools.get(query, ())
                name = f"the pool of query {query!r} of task {self.name}"
                if not pool:
                    raise DataError(must_be(name, "at least one candidate", "empty"))
                if len(set(pool)) != len(pool):
                    raise DataError(must_be(name, "without duplicates", first_of(_duplicates(pool))))
                if not candidates.issuperset(pool):
                    raise DataError(
                        must_be(name, "made of the task's candidates", first_of([other for other in pool if other not in candidates]))
                    )
                outside = [right for right in self.relevant[query] if right not in set(pool)]
                if outside:
                    raise DataError(must_be(name, "with all its relevant candidates inside", f"without {first_of(outside)}"))


def data_fingerprint(task: RetrievalTask) -> str:
    """Returns 16 hex digits that tell the data of a task: its contents, relevance and pools. Runs are compared on equal data only."""
    sides: list[str] = []
    spans = []
    for ids, contents, modality in (
        (task.query_ids, task.queries, task.query_modality),
        (task.candidate_ids, task.candidates, task.candidate_modality),
    ):
        if isinstance(contents, StoredContents | FileContents) and Modality.VIDEO in modality and contents.decoding.span:
            spans.append(f"{len(sides)}: {contents.decoding.span}")  # a part of a video is another one
        if isinstance(contents, StoredContents):  # known from the shards' indices; nothing is read
            sides.append(contents.reader.checksum())
        elif isinstance(contents, ParquetContents):  # known from the files' footers
            sides.append(json.dumps([list(ids), contents.checksum()]))
        elif isinstance(contents, FileContents):  # large benchmarks: by name and size, not read a second time
            files = [[(str(kind), path.name, kind_of(kind).size(path)) for kind, path in content.media] for content in contents.contents]
            texts = [(content.text, content.instruction) for content in contents.contents]
            sides.append(json.dumps([list(ids), texts, files]))
        else:
            sides.append(json.dumps([(name, content.fingerprint) for name, content in zip(ids, contents, strict=True)]))
    pools = None if task.pools is None else {query: list(task.pools[query]) for query in task.query_ids}
    return f"{fingerprint(*sides, json.dumps(task.relevant), json.dumps(pools), *spans):016x}"


def _keys(reader: ShardReader) -> list[str]:
    return [sample.key for index in reader.indices for sample in index.samples]


def _duplicates(names: Sequence[str]) -> list[str]:
    seen: set[str] = set()
    return [name for name in names if name in seen or seen.add(name)]  # type: ignore[func-returns-value]
