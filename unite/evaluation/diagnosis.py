"""A look behind a suite's recall: gaps between modalities, hits of the wrong one, and queries whose medium is not looked at.

It asks for embeddings that the suite made already, so with the suite's cache only the blanked queries are new. Large tasks are looked at
in part: `MOST` queries and candidates each, evenly spread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from rich.box import SIMPLE_HEAD
from rich.table import Table
from torch import Tensor

from unite.embedding.embed import fingerprints
from unite.embedding.geometry import alignment, modality_gap, uniformity
from unite.embedding.lazy import LazyContent
from unite.embedding.memory import EmbeddingCache
from unite.evaluation.blanked import Picked, spread, without_medium, without_text
from unite.evaluation.layouts.source import MissingTaskError
from unite.evaluation.metrics import Judged, per_query
from unite.evaluation.mixed_pool import MixedPool
from unite.evaluation.pair_names import short
from unite.evaluation.suite import Suite, judge_task
from unite.evaluation.tasks import RetrievalTask
from unite.progress import tracked
from unite.types import Content, Modality

#: `embed(contents)` -> (N, D): `embed_contents` or `embed_sharded`, the encoder and the cache given.
EmbedContents = Callable[[Sequence[Content | LazyContent]], Tensor]
MOST = 1024
NUM_HITS = 10


@dataclass(frozen=True)
class TaskDiagnosis:
    """One task, looked at closer.

    Attributes:
        pair: `text->image`.
        modality_gap: distance between the centres of the queries and of their positives.
        alignment: mean squared distance of a query and its positive.
        wrong_modality: share of the first ten hits, in one pool of all modalities, that are not of the modality asked for.
        wrong_by_chance: the share of that pool which is not.
        hits: modality -> its share of those hits.
        recall: R@1 of these queries among the candidates of the task.
        recall_mixed: R@1 among those and the pool's candidates of other modalities: right, and above all of them.
        recall_without_medium: R@1 with grey pictures or frames in place of the queries' media; None where they do not fuse text with one.
        recall_without_text: likewise, R@1 without the text; a query that is a text alone, among others, stays.
    """

    pair: str
    modality_gap: float
    alignment: float
    wrong_modality: float
    wrong_by_chance: float
    hits: Mapping[str, float]
    recall: float
    recall_mixed: float
    recall_without_medium: float | None = None
    recall_without_text: float | None = None


@dataclass(frozen=True)
class Diagnosis:
    """What `diagnose` found.

    Attributes:
        suite: its name.
        tasks: by name; those of a modality pair, no subsets.
        uniformity: by modality: the log of the mean Gaussian potential over its contents; lower is more uniform.
    """

    suite: str
    tasks: dict[str, TaskDiagnosis]
    uniformity: dict[str, float]

    def metrics(self) -> dict[str, float]:
        """Returns every value by its key, `suite/diagnostics/modality_gap/t2i`."""
        keys = {
            "modality_gap": "modality_gap",
            "alignment": "alignment",
            f"wrong_modality@{NUM_HITS}": "wrong_modality",
            "recall@1_mixed": "recall_mixed",
            "recall@1_without_medium": "recall_without_medium",
            "recall@1_without_text": "recall_without_text",
        }
        values = {f"{key}/{name}": getattr(task, field) for key, field in keys.items() for name, task in self.tasks.items()}
        values |= {
            f"hits@{NUM_HITS}/{name}/{modality}": share for name, task in self.tasks.items() for modality, share in task.hits.items()
        }
        values |= {f"uniformity/{modality}": value for modality, value in self.uniformity.items()}
        return {f"{self.suite}/diagnostics/{key}": value for key, value in values.items() if value is not None}

    def table(self) -> Table:
        """Returns a table, one row a task."""
        even = ", ".join(f"{modality} {value:.2f}" for modality, value in self.uniformity.items())
        view = Table(
            title=f"{self.suite}: diagnostics",
            caption=f"wrong: share of the first {NUM_HITS} hits, in one pool of all modalities, that are not of the modality asked for (by "
            "chance); mixed: R@1 with candidates of other modalities in the pool; grey: with the query's medium grey; no text: without its "
            "text\n"
            f"uniformity (lower is more even): {even}",
            title_justify="left",
            caption_justify="left",
            box=SIMPLE_HEAD,
            collapse_padding=True,
            pad_edge=False,
        )
        for heading in ("task", "pair"):
            view.add_column(heading, no_wrap=True)
        for heading in ("gap", "alignment", "wrong", "R@1", "mixed", "grey", "no text"):
            view.add_column(heading, justify="right", no_wrap=True)
        for name, task in self.tasks.items():
            wrong = f"{_percent(task.wrong_modality)} ({_percent(task.wrong_by_chance)})"
            recalls = [_percent(value) for value in (task.recall, task.recall_mixed, task.recall_without_medium, task.recall_without_text)]
            view.add_row(name, short(task.pair), f"{task.modality_gap:.2f}", f"{task.alignment:.2f}", wrong, *recalls)
        return view


def diagnose(suite: Suite, embed: EmbedContents, cache: EmbeddingCache, device: torch.device | None = None) -> Diagnosis:
    """Looks closer at the tasks of a suite that are on disk.

    Args:
        suite: was evaluated already, with the cache that `embed` looks into.
        embed: contents -> (N, D), with that cache. Where it shares its work among ranks, all must call this.
        cache: which knows the contents, so that none is read again.
        device: where to rank; on a GPU if there is one by default.
    """
    parts: dict[str, _Part] = {}
    for name in tracked(suite.tasks, f"{suite.name}: a look behind the recall", "tasks"):
        try:
            task = suite.load(name)
        except MissingTaskError:
            continue  # the suite has said so
        if task.kind == "pair":
            parts[name] = _Part.of(task, embed, cache)
    pool = MixedPool(device)
    for part in parts.values():
        pool.add(part.candidate_prints, part.candidates, part.task.candidate_modality)
    looked_at = tracked(parts.items(), f"{suite.name}: diagnostics", "tasks")
    found = {name: _look(part, pool, embed, device) for name, part in looked_at}
    return Diagnosis(suite.name, found, _uniformity(list(parts.values())))


@dataclass(frozen=True, eq=False)
class _Part:
    """A task with at most `MOST` of its queries, and the embeddings of n queries and m candidates.

    Attributes:
        task: with those queries and all candidates.
        queries, positives: (n, D), the first relevant candidate of each query.
        candidates: (m, D), the positives among them.
        query_prints, candidate_prints: (n,) and (m,) fingerprints of the contents.
    """

    task: RetrievalTask
    queries: Tensor
    positives: Tensor
    candidates: Tensor
    query_prints: list[int]
    candidate_prints: list[int]

    @classmethod
    def of(cls, whole: RetrievalTask, embed: EmbedContents, cache: EmbeddingCache) -> _Part:
        task = _with_queries(whole, spread(len(whole.query_ids), MOST))
        place_of = {name: place for place, name in enumerate(task.candidate_ids)}
        positives = [place_of[next(iter(names))] for names in task.relevant.values()]
        picked = sorted({*positives, *spread(len(place_of), max(MOST - len(positives), 1))})
        chosen = Picked(task.candidates, picked)
        candidates = embed(chosen)
        row_of = {place: row for row, place in enumerate(picked)}
        return cls(
            task=task,
            queries=embed(task.queries),
            positives=candidates[[row_of[place] for place in positives]],
            candidates=candidates,
            query_prints=fingerprints(task.queries, cache),
            candidate_prints=fingerprints(chosen, cache),
        )


def _look(part: _Part, pool: MixedPool, embed: EmbedContents, device: torch.device | None) -> TaskDiagnosis:
    task, wanted = part.task, str(part.task.candidate_modality)
    hits = pool.hits(part.queries, part.query_prints, NUM_HITS)
    candidates = embed(task.candidates)
    judged = judge_task(task, part.queries, candidates, device)
    mixed = pool.beside(task, part.queries, part.query_prints, candidates, judged)
    blanked: list[float] = []
    if Modality.TEXT in task.query_modality and task.query_modality is not Modality.TEXT:
        for change in (without_medium, without_text):
            queries = embed(Picked(task.queries, range(len(task.query_ids)), change))
            blanked.append(_recall(task, judge_task(task, queries, candidates, device)))
    return TaskDiagnosis(
        task.pair,
        modality_gap(part.queries, part.positives),
        alignment(part.queries, part.positives),
        1 - hits[wanted],
        1 - pool.shares()[wanted],
        hits,
        _recall(task, judged),
        _recall(task, mixed),
        *blanked,
    )


def _recall(task: RetrievalTask, judged: Mapping[str, Judged]) -> float:
    """Returns R@1 as the task's own metrics have it: the share of the relevant ones, or whether any is first."""
    name = "recall@1" if "recall@1" in task.metrics else "hit@1"
    return float(per_query(name, judged.values()).mean())


def _uniformity(parts: Sequence[_Part]) -> dict[str, float]:
    """Returns the uniformity of the contents of each modality, equal ones once; at most `MOST` of them."""
    rows: dict[Modality, dict[int, Tensor]] = {}
    for part in parts:
        sides = (
            (part.task.query_modality, part.query_prints, part.queries),
            (part.task.candidate_modality, part.candidate_prints, part.candidates),
        )
        for modality, prints, embeddings in sides:
            rows.setdefault(modality, {}).update(zip(prints, embeddings, strict=True))
    picked = {str(modality): list(unique.values()) for modality, unique in sorted(rows.items(), key=lambda item: item[0].value)}
    return {
        name: uniformity(torch.stack([embeddings[row] for row in spread(len(embeddings), MOST)]))
        for name, embeddings in picked.items()
        if len(embeddings) > 1
    }


def _with_queries(task: RetrievalTask, places: Sequence[int]) -> RetrievalTask:
    ids = [task.query_ids[place] for place in places]
    return replace(
        task,
        query_ids=ids,
        queries=Picked(task.queries, places),
        relevance={name: task.relevance[name] for name in ids},
        pools=None if task.pools is None else {name: task.pools[name] for name in ids},
    )


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}"
