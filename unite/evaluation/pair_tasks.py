"""Shards of pairs as retrieval tasks: every row's query is to find its positives among those of all rows.

    rows -> pairs of a query and a positive -> equal contents once -> right answers by query and group -> RetrievalTask

The rows are gone through once, for the fingerprints of their contents; what is embedded is read again then, and nothing is kept.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from unite.config.schema.media import Decoding
from unite.data.rows import StoredContent
from unite.data.shards import ShardReader
from unite.embedding.lazy import LazyContent
from unite.errors import DataError, must_be
from unite.evaluation.blanked import spread
from unite.evaluation.metrics import parse_metric
from unite.evaluation.tasks import RetrievalTask
from unite.progress import tracked
from unite.types import Modality, fingerprint, without_instruction

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RowSide:
    """A content of a row, known without being kept.

    Attributes:
        row: its position in the reader.
        positive: which of the row's positives, then of its negatives, it is; None of the query.
        id: `shard/key`, and `#1` of the second positive.
        fingerprint: of all that reaches the encoder.
        bare: the same without the instruction: a query and a candidate that are one content share it.
        group: contents of one group show or tell the same thing; empty without one.
        modality: what it is made of.
        labels: attribute -> group.
    """

    row: int
    positive: int | None
    id: str
    fingerprint: int
    bare: int
    group: str
    modality: Modality
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def identity(self) -> int:
        """As of `Content`: contents of one group share it."""
        return fingerprint("group", self.group) if self.group else self.fingerprint


class RowContents(Sequence[LazyContent]):
    """Queries or positives of rows, each read when it is asked for its media."""

    def __init__(self, reader: ShardReader, sides: Sequence[RowSide], decoding: Decoding) -> None:
        self.reader = reader
        self.sides = sides
        self.decoding = decoding

    def __len__(self) -> int:
        return len(self.sides)

    def __getitem__(self, at: int) -> LazyContent:  # type: ignore[override]  # no slices: they would make all at once
        side = self.sides[at]
        return _KnownContent(lambda: _content(self.reader, side), self.decoding, self.reader.name(side.row), side.fingerprint)


class _KnownContent(LazyContent):
    """A content whose key is its fingerprint, so that no reading is needed for either."""

    @cached_property
    def fingerprint(self) -> int:
        return self.key


def read_pairs(reader: ShardReader, decoding: Decoding, where: str) -> list[tuple[RowSide, RowSide]]:
    """Goes through rows and returns every pair of a query and one of its positives; a row without positives is passed by, which is logged.

    Args:
        reader: of the shards.
        decoding: how the media will be decoded.
        where: what to call the shards in an error.

    Raises:
        DataError: if no row has a positive, or the queries or the positives are not of one modality.
    """
    pairs = []
    for at, row in enumerate(tracked(reader, f"reading {where}", "rows")):
        query = row_side(reader, at, None, row.query, decoding)
        pairs += [(query, row_side(reader, at, number, positive, decoding)) for number, positive in enumerate(row.positives)]
    if not pairs:
        hint = "Right answers are a row's positives; negatives alone, and the shards of an evaluation task, have none."
        raise DataError(must_be(f"the rows in {where}", "rows with a positive", f"{len(reader)} rows without", hint))
    without = len(reader) - len({query.row for query, _ in pairs})
    if without:
        log.warning("%d of %d rows in %s have no positive and are left out", without, len(reader), where)
    for number, what in enumerate(("queries", "positives")):
        kinds = sorted({str(pair[number].modality) for pair in pairs})
        if len(kinds) > 1:
            hint = "Put the rows of each pair of modalities into a folder of its own, as unite.curate does."
            raise DataError(must_be(f"the {what} in {where}", "of one modality", ", ".join(kinds), hint))
    return pairs


def pairs_task(
    name: str,
    reader: ShardReader,
    pairs: Sequence[tuple[RowSide, RowSide]],
    decoding: Decoding,
    metrics: Sequence[str],
    max_queries: int | None = None,
) -> RetrievalTask:
    """Makes the task of finding the second of each pair by the first.

    Equal contents are one. Right for a query are the second ones of every pair whose first is the same content or of the same group, and
    what is of one group with these or with the query. A candidate that is the query itself is not in its pool.

    Args:
        name: of the task.
        reader: of the rows that the pairs are from.
        pairs: at least one.
        decoding: how the media will be decoded.
        metrics: those with a k above the smallest pool are left out.
        max_queries: at most so many queries, evenly spread; all candidates stay.

    Raises:
        DataError: if there are fewer than two candidates, or no query with something to find.
    """
    queries = {query.fingerprint: query for query, _ in reversed(pairs)}  # of equal ones the first
    candidates = {right.fingerprint: right for _, right in reversed(pairs)}
    queries, candidates = dict(reversed(queries.items())), dict(reversed(candidates.items()))
    if len(candidates) < 2:
        hint = "With one answer alone every query is right. Add rows with others."
        raise DataError(must_be(f"the candidates of task {name}", "at least two different ones", len(candidates), hint))
    itself = {candidate.bare: candidate.id for candidate in candidates.values()}
    right = {queries[key].id: found for key, found in _right_answers(pairs, candidates).items()}
    own = {query.id: itself.get(query.bare) for query in queries.values()}
    asked = [query for query in queries.values() if set(right[query.id]) - {own[query.id]}]
    if not asked:
        hint = "Its queries and their positives are the same contents."
        raise DataError(must_be(f"the queries of task {name}", "at least one with something else to find", "none", hint))
    asked = [asked[at] for at in spread(len(asked), max_queries or len(asked))]
    names = [candidate.id for candidate in candidates.values()]
    pools = None
    if any(own[query.id] for query in asked):
        pools = {query.id: names if own[query.id] is None else [one for one in names if one != own[query.id]] for query in asked}
    smallest = min(map(len, pools.values())) if pools else len(names)
    return RetrievalTask(
        name=name,
        query_ids=[query.id for query in asked],
        queries=RowContents(reader, asked, decoding),
        candidate_ids=names,
        candidates=RowContents(reader, list(candidates.values()), decoding),
        relevance={query.id: {one: 1 for one in right[query.id] if one != own[query.id]} for query in asked},
        query_modality=pairs[0][0].modality,
        candidate_modality=pairs[0][1].modality,
        pools=pools,
        metrics=tuple(metric for metric in metrics if (parse_metric(metric)[1] or 1) <= smallest),
        labels=_labels(name, candidates, (right for _, right in pairs)),
    )


def _labels(name: str, candidates: Mapping[int, RowSide], rights: Iterable[RowSide]) -> dict[str, dict[str, str]]:
    """Returns candidate id -> its labels, those of all rows that hold the content. Raises DataError if two rows disagree."""
    found: dict[str, dict[str, str]] = {}
    for right in rights:
        known = found.setdefault(candidates[right.fingerprint].id, {}) if right.labels else {}
        for attribute, group in right.labels.items():
            if known.setdefault(attribute, group) != group:
                hint = "They hold the same content: give it the same labels."
                where = f"the {attribute} of {right.id} in task {name}"
                raise DataError(must_be(where, f"{known[attribute]}, as of {candidates[right.fingerprint].id}", group, hint))
    return found


def _right_answers(pairs: Sequence[tuple[RowSide, RowSide]], candidates: dict[int, RowSide]) -> dict[int, list[str]]:
    """Returns query's fingerprint -> ids of all candidates that are right for it, in their order."""
    wanted: dict[int, set[int]] = defaultdict(set)  # identity of a query -> identities of what it is to find
    shown: dict[int, dict[str, None]] = defaultdict(dict)  # identity -> the candidates that have it
    known_as: dict[int, set[int]] = defaultdict(set)  # fingerprint of a query -> its identities: rows may differ in the group
    for query, right in pairs:
        wanted[query.identity].add(right.identity)
        if query.group:
            wanted[query.identity].add(query.identity)
        shown[right.identity][candidates[right.fingerprint].id] = None
        known_as[query.fingerprint].add(query.identity)
    found = {}
    for key, identities in known_as.items():
        targets = sorted({target for identity in identities for target in wanted[identity]})
        found[key] = list(dict.fromkeys(name for target in targets for name in shown.get(target, ())))
    return found


def row_side(reader: ShardReader, at: int, positive: int | None, stored: StoredContent, decoding: Decoding) -> RowSide:
    """Returns what is known of a content of the row `at`, which was just read."""
    name = reader.name(at)
    whole = LazyContent.of_stored(stored, decoding, name).fingerprint
    bare = whole
    if stored.instruction:
        plain = replace(stored, text=without_instruction(stored.text), instruction="")
        bare = LazyContent.of_stored(plain, decoding, name).fingerprint
    return RowSide(at, positive, f"{name}#{positive}" if positive else name, whole, bare, stored.group, stored.modality, stored.labels)


def _content(reader: ShardReader, side: RowSide) -> StoredContent:
    row = reader.read(side.row)
    return row.query if side.positive is None else (*row.positives, *row.negatives)[side.positive]
