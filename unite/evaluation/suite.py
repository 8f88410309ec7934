"""A suite: named tasks that one encoder is evaluated on, in one pass over their contents."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch
from rich.progress import Progress
from torch import Tensor

from unite.data.decode import Decoding
from unite.errors import ConfigError, DataError, must_be
from unite.evaluation.embed import EmbeddingCache, Encoder, MemoryCache, embed_contents
from unite.evaluation.metrics import Judged
from unite.evaluation.results import SuiteResult, TaskResult
from unite.evaluation.tasks import RetrievalTask
from unite.retrieval.ranks import ranks

#: `embed_contents`, `embed_sharded`, or what has their arguments.
Embed = Callable[..., Tensor]
_log = logging.getLogger(__name__)


class Suite:
    """Runs every task of a suite: embeddings, ranking, metrics.

    Args:
        name: the first part of the metric keys.
        tasks: name -> task folder (relative to `data_root`), or a task in memory. "mean" is taken.
        data_root: where the folders are.
        decoding: how media are decoded; the defaults of `Decoding` otherwise.
        token_budget: tokens a micro-batch may hold, see `embed_contents`.
        device: where to rank; the CPU by default.
    """

    def __init__(
        self,
        name: str,
        tasks: Mapping[str, str | Path | RetrievalTask],
        data_root: str | Path = ".",
        decoding: Decoding | None = None,
        token_budget: int = 16384,
        device: str = "cpu",
    ) -> None:
        if not tasks or "mean" in tasks or any("/" in one for one in (name, *tasks)):
            expected = "at least one, named without slash, none of them 'mean'"
            raise ConfigError(must_be(f"the tasks of suite {name}", expected, ", ".join(tasks)))
        self.name = name
        self.tasks = dict(tasks)
        self.data_root = Path(data_root)
        self.decoding = decoding or Decoding()
        self.token_budget = token_budget
        self.device = device

    def run(
        self, encoder: Encoder, *, progress: Progress | None = None, cache: EmbeddingCache | None = None, embed: Embed = embed_contents
    ) -> SuiteResult:
        """Evaluates the encoder on every task.

        A task whose folder is missing is logged and named in the result, and the rest still run. Contents that several tasks share are
        embedded once.

        Args:
            encoder: see `embed_contents`.
            progress: gets a bar for each task.
            cache: of embeddings, beyond this run.
            embed: how. `embed_sharded` shares the contents among the ranks of the process group; then all ranks must call this.

        Raises:
            DataError: if no task could be found, or one is broken.
        """
        embed_side = partial(embed, encoder, token_budget=self.token_budget, cache=MemoryCache() if cache is None else cache)
        results: dict[str, TaskResult] = {}
        missing: dict[str, str] = {}
        for name, source in self.tasks.items():
            if not isinstance(source, RetrievalTask) and not (self.data_root / source).is_dir():
                hint = "Build or copy it there, or set data_root."
                missing[name] = must_be(
                    f"the folder of task {name}", "a task folder", f"{self.data_root / source}, which is not there", hint
                )
                _log.warning(missing[name])
                continue
            task = source if isinstance(source, RetrievalTask) else RetrievalTask.of_folder(self.data_root / source, self.decoding)
            results[name] = self._run_task(name, task, embed_side, progress)
        if not results:
            raise DataError(f"no task of suite {self.name} could be run. " + " ".join(missing.values()))
        return SuiteResult(self.name, results, missing)

    def _run_task(self, name: str, task: RetrievalTask, embed: Embed, progress: Progress | None) -> TaskResult:
        start = time.perf_counter()
        bar = progress.add_task(f"{self.name}/{name}", total=len(task.query_ids) + len(task.candidate_ids)) if progress else None

        def advance(count: int) -> None:
            if progress is not None and bar is not None:
                progress.advance(bar, count)

        queries, candidates = (
            embed(contents, ids=ids, on_progress=advance)
            for contents, ids in ((task.queries, task.query_ids), (task.candidates, task.candidate_ids))
        )
        targets = task.targets()
        places = ranks(queries, candidates[torch.tensor(task.trec_order)], targets, task.pool_members(), device=self.device)
        judged = {
            query: Judged(tuple(row[: len(grades)]), tuple(grades.values()))
            for row, (query, grades) in zip(places.tolist(), task.relevant.items(), strict=True)
        }
        return TaskResult.of_ranks(
            judged,
            task.metrics,
            pair=task.pair,
            kind=task.kind,
            num_candidates=len(task.candidate_ids),
            pool_sizes=task.pool_sizes,
            seconds=time.perf_counter() - start,
        )
