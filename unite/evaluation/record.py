"""What an evaluation leaves for a comparison beside its ranks: the worst failures to look at, and which data it was.

It costs little: the hits of a few queries a task are searched, and only the contents that these name are decoded once more.

Shapes: Q queries, C candidates, D dimensions, F failures.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from torch import Tensor

from unite.embedding.lazy import FileContents, LazyContent, StoredContents, decoded
from unite.evaluation.failures import Failure, Preview, TaskFailures
from unite.evaluation.metrics import Judged
from unite.evaluation.tasks import RetrievalTask
from unite.media import kind_of
from unite.retrieval.topk import search
from unite.types import PLACES, Content, fingerprint, index_tensor

NUM_FAILURES = 8
NUM_HITS = 5
#: Right candidates of a failure that are shown, and media of a content.
_MOST = 3
_NUM_LETTERS = 280


def find_failures(
    task: RetrievalTask,
    queries: Tensor,
    candidates: Tensor,
    judged: Mapping[str, Judged],
    num_failures: int = NUM_FAILURES,
    num_hits: int = NUM_HITS,
) -> TaskFailures:
    """Returns the queries whose best relevant candidate stands furthest back, worst first, with their top hits and previews.

    Args:
        task: what was evaluated.
        queries: (Q, D) embeddings.
        candidates: (C, D).
        judged: query id -> where its relevant candidates stand.
        num_failures: at most so many; of equal ranks the earlier query is taken.
        num_hits: how many hits of each; within the query's pool, if it has one.
    """
    rank = {query: min(one.ranks) for query, one in judged.items()}
    place = {query: at for at, query in enumerate(task.query_ids)}
    worst = sorted((query for query in task.query_ids if rank[query] > 1), key=lambda query: -rank[query])[:num_failures]
    failures = []
    for query, hits in zip(worst, _hits(task, queries[[place[query] for query in worst]], candidates, worst, num_hits), strict=True):
        best_first = sorted(zip(judged[query].ranks, task.relevant[query], strict=True), key=lambda one: one[0])
        failures.append(Failure(query, rank[query], tuple(name for _, name in best_first[:_MOST]), hits))
    named = {name: None for one in failures for name in (*one.right, *(name for name, _ in one.hits))}
    at = {name: place for place, name in enumerate(task.candidate_ids) if name in named}
    return TaskFailures(
        tuple(failures),
        {query: preview(task.queries[place[query]]) for query in worst},
        {name: preview(task.candidates[at[name]]) for name in named},
    )


def data_fingerprint(task: RetrievalTask) -> str:
    """Returns 16 hex digits that tell the data of a task: its contents, relevance and pools. Runs are compared on equal data only."""
    sides = []
    for ids, contents in ((task.query_ids, task.queries), (task.candidate_ids, task.candidates)):
        if isinstance(contents, StoredContents):  # known from the shards' indices; nothing is read
            sides.append(contents.reader.checksum())
        elif isinstance(contents, FileContents):  # large benchmarks: by name and size, not read a second time
            files = [[(str(kind), path.name, path.stat().st_size) for kind, path in one.media] for one in contents.contents]
            texts = [(one.text, one.instruction) for one in contents.contents]
            sides.append(json.dumps([list(ids), texts, files]))
        else:
            sides.append(json.dumps([(name, one.fingerprint) for name, one in zip(ids, contents, strict=True)]))
    pools = None if task.pools is None else {query: list(task.pools[query]) for query in task.query_ids}
    return f"{fingerprint(*sides, json.dumps(task.relevant), json.dumps(pools)):016x}"


def preview(content: Content | LazyContent) -> Preview:
    """Returns a content small enough to keep: texts of at most 280 letters, each medium as a little JPEG."""
    content = decoded(content)
    pictures = tuple(
        (str(medium.modality), base64.b64encode(kind_of(medium.modality).preview(medium)).decode()) for medium in content.media[:_MOST]
    )
    text = PLACES.sub(" ", content.text)  # the pictures stand beside it
    return Preview(_cut(text.strip()), _cut(content.instruction), pictures)


def _hits(task: RetrievalTask, queries: Tensor, candidates: Tensor, ids: list[str], num_hits: int) -> list[tuple[tuple[str, float], ...]]:
    """Returns the hits of F queries (F, D), in the order of ties that the ranks have."""
    if task.pools is None:
        searches = [(slice(None), task.trec_order)] if ids else []
    else:
        members = [set(task.pools[query]) for query in ids]
        pools = ([at for at in task.trec_order if task.candidate_ids[at] in inside] for inside in members)
        searches = [(slice(row, row + 1), pool) for row, pool in enumerate(pools)]
    found = []
    for rows, pool in searches:
        best = search(queries[rows], candidates[index_tensor(pool)], min(num_hits, len(pool)))
        for scores, places in zip(*(one.tolist() for one in best), strict=True):
            found.append(tuple((task.candidate_ids[pool[at]], round(score, 4)) for score, at in zip(scores, places, strict=True)))
    return found


def _cut(text: str) -> str:
    return text if len(text) <= _NUM_LETTERS else text[: _NUM_LETTERS - 1] + "…"
