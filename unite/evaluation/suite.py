"""A suite: named tasks that one encoder is evaluated on, in one pass over their contents."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unite.config.schema.evaluation import SuiteConfig
from unite.embedding.embed import Encoder, device_of, embed_contents
from unite.embedding.memory import EmbeddingCache, MemoryCache
from unite.errors import DataError, first_of, raise_all
from unite.evaluation.layouts.source import MissingTaskError, TaskFolder, TaskSource, told_by_folder
from unite.evaluation.metrics import Judged
from unite.evaluation.results import HELD_IN, SuiteResult, TaskResult
from unite.evaluation.tasks import TIES, RetrievalTask, data_fingerprint
from unite.evaluation.ties import tied
from unite.progress import in_terminal, shown, tracked
from unite.retrieval.ranks import ranks

#: `embed_contents`, `embed_sharded`, or what has their arguments.
Embed = Callable[..., Tensor]
#: Looks at a task while its embeddings are there: its name, the task, (Q, D) queries, (C, D) candidates, and where the relevant ones stand.
OnTask = Callable[[str, RetrievalTask, Tensor, Tensor, Mapping[str, Judged]], None]
_log = logging.getLogger(__name__)


class Suite:
    """Runs every task of a suite: embeddings, ranking (on the encoder's device), metrics.

    Args:
        config: the options, each documented there.
    """

    def __init__(self, config: SuiteConfig) -> None:
        self.config = config
        self.name = config.name
        asked = config.tasks if config.only is None else {task for name in config.only for task in config.groups.get(name, (name,))}
        self.tasks = {name: task for name, task in config.tasks.items() if name in asked}
        self.data_root = Path(config.data_root)
        self.decoding = config.decoding
        self.token_budget = config.token_budget
        self.groups = {group: tuple(names) for group, names in config.groups.items()}
        self.diagnose = config.diagnose
        self.leaderboard = config.leaderboard

    def held_in(self) -> Suite | None:
        """Returns the suite of the same tasks over training data, if there are any."""
        tasks = {name: task for name, task in self.config.held_in.items() if name in self.tasks or self.config.only is None}
        without: dict[str, Any] = {"only": None, "held_in": {}, "groups": {}, "diagnose": False, "leaderboard": None}
        return Suite(replace(self.config, name=f"{self.name}{HELD_IN}", tasks=tasks, **without)) if tasks else None

    def run(
        self,
        encoder: Encoder,
        *,
        cache: EmbeddingCache | None = None,
        embed: Embed = embed_contents,
        on_task: OnTask | None = None,
        told: bool = True,
        broken: dict[str, DataError] | None = None,
    ) -> SuiteResult:
        """Evaluates the encoder on every task.

        A task whose folder or files are missing is logged and named in the result, and the rest still run. Contents that several tasks
        share are embedded once.

        Args:
            encoder: see `embed_contents`.
            cache: of embeddings, beyond this run.
            embed: how. `embed_sharded` shares the contents among the ranks of the process group; then all ranks must call this.
            on_task: called after each task.
            told: whether the log gets a line for each task where no bar is seen.
            broken: gets what is wrong with the tasks that are broken, by name, while the rest still run; they are named in the result too.

        Raises:
            DataError: if no task could be run, or, without `broken`, one is broken.
        """
        embed_side = partial(embed, encoder, token_budget=self.token_budget, cache=MemoryCache() if cache is None else cache)
        results: dict[str, TaskResult] = {}
        missing: dict[str, MissingTaskError] = {}
        clipped: list[str] = []
        for name in self.tasks:
            try:
                task = self.load(name)
                done = self._run_task(name, task, embed_side, device_of(encoder), on_task)
            except MissingTaskError as error:
                if all(error.folder != other.folder for other in missing.values()):
                    _log.warning("%s/%s is not run: %s", self.name, name, error)
                missing[name] = error
                continue
            except DataError as error:
                if broken is None:
                    raise
                _log.error("%s", error)
                broken[name] = error
                continue
            results[name] = done
            clipped += [name] * task.clips_k
            if told and not in_terminal():  # nobody sees the bar
                _log.info("%s/%s: %d queries, %d candidates, %.1f s", self.name, name, done.num_queries, done.num_candidates, done.seconds)
        if not results:
            raise_all((broken or {}).values())
            raise self._nothing_to_run(missing)
        if clipped and told:
            how = "where a query has fewer candidates than a metric's k, its whole ranking is looked at, as trec_eval does"
            _log.info("%s: %s (%s)", self.name, how, first_of(clipped))
        not_run = {**missing, **(broken or {})}
        without = {group: [name for name in names if name in not_run] for group, names in self.groups.items()}
        if any(without.values()):
            groups = "; ".join(f"{group} (without {first_of(names, 3)})" for group, names in without.items() if names)
            _log.warning("%s: these means are left out, since tasks of theirs were not run: %s", self.name, groups)
        left_out = {name: "Left out by suite.only." for name in self.config.tasks if name not in self.tasks}
        return SuiteResult(self.name, results, {name: str(error) for name, error in not_run.items()} | left_out, self.groups)

    def check(self) -> None:
        """Looks whether any task is on disk, so that a suite without data is told before what takes long.

        Raises:
            DataError: if none is, or the first that is there is broken.
        """
        missing: dict[str, MissingTaskError] = {}
        for name in tracked(self.tasks, f"looking for the data of suite {self.name}", "tasks"):
            try:
                self.load(name)
            except MissingTaskError as error:
                missing[name] = error
            else:
                return
        raise self._nothing_to_run(missing)

    def _nothing_to_run(self, missing: Mapping[str, MissingTaskError]) -> DataError:
        lines = [f"no task of suite {self.name} could be run:", *told_by_folder(missing)]
        return DataError("\n  ".join(lines) + "\nWhat to put where: docs/benchmarks.md.")

    def load(self, name: str) -> RetrievalTask:
        """Returns a task, its media not decoded yet.

        Raises:
            MissingTaskError: if what it is read from is not on disk.
            DataError: if that is broken.
        """
        source = self.tasks[name]
        if isinstance(source, RetrievalTask):
            return source
        reader: TaskSource = TaskFolder(source) if isinstance(source, str | Path) else source
        return reader.load(name, self.data_root, self.decoding)

    def _run_task(self, name: str, task: RetrievalTask, embed: Embed, device: torch.device, on_task: OnTask | None) -> TaskResult:
        with shown(f"{self.name}/{name}", len(task.query_ids) + len(task.candidate_ids), "contents") as work:
            try:
                return self._measure(name, task, partial(embed, on_progress=work.advance), device, on_task)
            except DataError as error:
                raise DataError(f"task {self.name}/{name} cannot be evaluated: {error}") from error

    def _measure(self, name: str, task: RetrievalTask, embed: Embed, device: torch.device, on_task: OnTask | None) -> TaskResult:
        start = time.perf_counter()
        queries, candidates = (
            embed(contents, ids=ids) for contents, ids in ((task.queries, task.query_ids), (task.candidates, task.candidate_ids))
        )
        judged = judge_task(task, queries, candidates, device)
        equal = tied(task, candidates)
        result = TaskResult.of_ranks(
            judged,
            task.metrics,
            pair=task.pair,
            kind=task.kind,
            num_candidates=len(task.candidate_ids),
            pool_sizes=task.pool_sizes,
            seconds=time.perf_counter() - start,
            data=data_fingerprint(task),
            ties=task.ties,
            num_tied=equal.num_queries,
            all_tied=equal.everything,
        )
        if result.tied_share:
            what = "all scores are equal" if result.all_tied else f"{equal.num_queries} of {result.num_queries} queries are tied"
            _log.warning("%s/%s: %s, which a rule decides: %s (%s)", self.name, name, what, TIES[task.ties], task.ties)
        if alone := sum(size == 1 for size in task.pool_sizes):
            what = "%s/%s: %d of %d queries have one candidate, which is right whatever the encoder"
            _log.warning(what, self.name, name, alone, result.num_queries)
        if on_task is not None:
            on_task(name, task, queries, candidates, judged)
        return result


def judge_task(task: RetrievalTask, queries: Tensor, candidates: Tensor, device: torch.device | None = None) -> dict[str, Judged]:
    """Returns, for each query, where its relevant candidates stand.

    Args:
        queries: (Q, D) embeddings, in the order of the task.
        candidates: (C, D) the same.
        device: where to rank; on a GPU if there is one by default.
    """
    places = ranks(queries, candidates[torch.tensor(task.tie_order)], task.targets(), task.pool_members(), device=device)
    return {
        query: Judged(tuple(row[: len(grades)]), tuple(grades.values()))
        for row, (query, grades) in zip(places.tolist(), task.relevant.items(), strict=True)
    }
