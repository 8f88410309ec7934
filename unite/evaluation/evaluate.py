"""An encoder through a suite: the table for the terminal, metrics.json and a plot for the folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from torch import Tensor

from unite.embedding.embed import Encoder, device_of
from unite.embedding.memory import EmbeddingCache, MemoryCache
from unite.embedding.sharing import embed_sharded
from unite.errors import DataError
from unite.evaluation.diagnosis import Diagnosis, diagnose
from unite.evaluation.failures_file import FAILURES_SUFFIX, TaskFailures, failures_to_json
from unite.evaluation.find_failures import find_failures
from unite.evaluation.leaderboard import write_leaderboard
from unite.evaluation.metrics import Judged
from unite.evaluation.recall_plot import plot_recall
from unite.evaluation.results import Measured, SuiteResult, write_metrics
from unite.evaluation.score import Score
from unite.evaluation.suite import Suite
from unite.evaluation.tasks import RetrievalTask
from unite.evaluation.terminal_table import table
from unite.files import write_text
from unite.processes import is_first_rank
from unite.progress import Work, shown


@dataclass(frozen=True)
class Evaluation:
    """What came out: a result for each suite, and the diagnoses of those that ask for one."""

    results: list[SuiteResult]
    diagnoses: list[Diagnosis]

    def metrics(self) -> dict[str, float]:
        """Returns every metric by its key, `suite/task/recall@10`."""
        measured: list[Measured] = [*self.results, *self.diagnoses]
        return {key: value for result in measured for key, value in result.metrics().items()}

    @property
    def score(self) -> float:
        """What a sweep may optimise."""
        return self.scored.value

    @property
    def scored(self) -> Score:
        """The score of the first suite, with what it is."""
        return self.results[0].score


def evaluate(encoder: Encoder, suites: Sequence[Suite], folder: Path, console: Console, cache: EmbeddingCache | None = None) -> Evaluation:
    """Runs the suites and writes what came out.

    Where several ranks work together, all must call this: they share the embedding, and the first one writes and prints.

    Args:
        suites: the suite, and after it, if there is one, the same tasks over training data.
        folder: gets `metrics.json` (flat, `suite/task/metric`, and the score), `recall.png`, and `<suite>.json` (ranks of every query) and
            `<suite>_failures.json` (the worst ones to look at), both for `unite.report`; and `leaderboard.json` if a suite asks for it.
        cache: of embeddings; without one, each suite keeps its own while it runs.

    Raises:
        DataError: if a task is broken, when what came out of all others has been written.
    """
    num_tasks = sum(len(suite.tasks) for suite in suites)
    with shown("evaluation", num_tasks, "tasks") as work:
        ran = [_run(encoder, suite, MemoryCache() if cache is None else cache, work) for suite in suites]
    evaluation = Evaluation([part.result for part in ran], [part.diagnosis for part in ran if part.diagnosis is not None])
    if is_first_rank():
        _write(evaluation, ran, suites, folder, console, encoder)
    broken = [error for part in ran for error in part.broken.values()]
    if broken:
        what = f"{len(broken)} of {num_tasks} tasks cannot be evaluated; the results of the others are in {folder}:"
        raise DataError("\n  ".join([what, *map(str, broken)]))
    return evaluation


def _write(evaluation: Evaluation, ran: Sequence[_Ran], suites: Sequence[Suite], folder: Path, console: Console, encoder: Encoder) -> None:
    results = evaluation.results
    folder.mkdir(parents=True, exist_ok=True)
    for result, failures in ((part.result, part.failures) for part in ran):
        write_text(folder / f"{result.name}.json", result.to_json())
        write_text(folder / f"{result.name}{FAILURES_SUFFIX}", failures_to_json(result.name, failures))
    write_metrics(folder / "metrics.json", evaluation, score=evaluation.scored)
    plot_recall(results[0], folder / "recall.png", *results[1:])
    for view in (table(results[0], *results[1:]), *(diagnosis.table() for diagnosis in evaluation.diagnoses)):
        console.print(view)
    for suite, result in zip(suites, results, strict=True):
        if suite.leaderboard is not None:
            console.print(write_leaderboard(folder, result, suite.leaderboard, encoder), soft_wrap=True)


@dataclass(frozen=True)
class _Ran:
    """A suite that was run; `broken` tells what is wrong with the tasks that could not be."""

    result: SuiteResult
    failures: dict[str, TaskFailures]
    broken: dict[str, DataError]
    diagnosis: Diagnosis | None


def _run(encoder: Encoder, suite: Suite, cache: EmbeddingCache, work: Work) -> _Ran:
    failures: dict[str, TaskFailures] = {}
    broken: dict[str, DataError] = {}

    def look(name: str, task: RetrievalTask, queries: Tensor, candidates: Tensor, judged: Mapping[str, Judged]) -> None:
        work.advance()
        failures[name] = find_failures(task, queries, candidates, judged, device=device_of(encoder))

    # Only the rank that writes the failures looks for them: their contents are decoded for that.
    result = suite.run(encoder, cache=cache, embed=embed_sharded, on_task=look if is_first_rank() else None, broken=broken)
    embed = partial(embed_sharded, encoder, token_budget=suite.token_budget, cache=cache)
    wants = suite.diagnose and not broken  # it looks at all tasks
    return _Ran(result, failures, broken, diagnose(suite, embed, cache, device_of(encoder)) if wants else None)
