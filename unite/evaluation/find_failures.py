"""Finds a task's worst failures, with small pictures of what they name, for `failures_file.py` to keep beside the ranks.

It costs little: the hits of a few queries a task are searched, and only the contents that these name are decoded once more.

Shapes: Q queries, C candidates, D dimensions, F failures.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from unite.batch import index_tensor
from unite.embedding.lazy import decoded
from unite.evaluation.failures_file import Failure, TaskFailures
from unite.evaluation.metrics import Judged
from unite.evaluation.tasks import RetrievalTask
from unite.media.preview import preview
from unite.retrieval.topk import search

NUM_FAILURES = 8
NUM_HITS = 5
#: Right candidates of a failure that are shown.
_MOST = 3


def find_failures(
    task: RetrievalTask,
    queries: Tensor,
    candidates: Tensor,
    judged: Mapping[str, Judged],
    num_failures: int = NUM_FAILURES,
    num_hits: int = NUM_HITS,
    device: torch.device | None = None,
) -> TaskFailures:
    """Returns the queries whose best relevant candidate stands furthest back, worst first, with their top hits and previews.

    Args:
        task: what was evaluated.
        queries: (Q, D) embeddings.
        candidates: (C, D).
        judged: query id -> where its relevant candidates stand.
        num_failures: at most so many; of equal ranks the earlier query is taken.
        num_hits: how many hits of each; within the query's pool, if it has one.
        device: where to rank; on a GPU if there is one by default.
    """
    rank = {query: min(relevant.ranks) for query, relevant in judged.items()}
    row_of = {query: row for row, query in enumerate(task.query_ids)}
    worst = sorted((query for query in task.query_ids if rank[query] > 1), key=lambda query: -rank[query])[:num_failures]
    failures = []
    of_worst = _hits(task, queries[[row_of[query] for query in worst]], candidates, worst, num_hits, device)
    for query, hits in zip(worst, of_worst, strict=True):
        best_first = sorted(zip(judged[query].ranks, task.relevant[query], strict=True), key=lambda ranked: ranked[0])
        failures.append(Failure(query, rank[query], tuple(name for _, name in best_first[:_MOST]), hits))
    named = {name: None for failure in failures for name in (*failure.right, *(name for name, _ in failure.hits))}
    candidate_row_of = {name: row for row, name in enumerate(task.candidate_ids) if name in named}
    return TaskFailures(
        tuple(failures),
        {query: preview(decoded(task.queries[row_of[query]])) for query in worst},
        {name: preview(decoded(task.candidates[candidate_row_of[name]])) for name in named},
    )


def _hits(
    task: RetrievalTask, queries: Tensor, candidates: Tensor, ids: list[str], num_hits: int, device: torch.device | None
) -> list[tuple[tuple[str, float], ...]]:
    """Returns the hits of F queries (F, D), in the order of ties that the ranks have."""
    if task.pools is None:
        searches = [(slice(None), task.tie_order)] if ids else []
    else:
        row_of = {name: row for row, name in enumerate(task.candidate_ids)}
        searches = [(slice(row, row + 1), [row_of[name] for name in task.pool_of(query)]) for row, query in enumerate(ids)]
    found = []
    for rows, pool in searches:
        best = search(queries[rows], candidates[index_tensor(pool)], num_hits, device=device)
        for scores, places in zip(*(tensor.tolist() for tensor in best), strict=True):
            found.append(tuple((task.candidate_ids[pool[place]], round(score, 4)) for score, place in zip(scores, places, strict=True)))
    return found
