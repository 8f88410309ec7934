"""mteb's tasks and benchmarks on a checkpoint: `python -m unite.evaluate checkpoint=... suite=mteb 'suite.tasks=[STS12,"MIEB(lite)"]'`.

mteb loads the data, ranks, classifies, clusters and scores; this names the tasks, hands it the encoder and collects what comes out.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from unite.config.schema.evaluation import MtebSuiteConfig
from unite.embedding.embed import Encoder
from unite.embedding.fingerprints import encoder_fingerprint
from unite.embedding.memory import EmbeddingCache, MemoryCache
from unite.embedding.sharing import embed_sharded
from unite.errors import ConfigError, DataError, must_be
from unite.evaluation.results import write_metrics
from unite.evaluation.score import Score
from unite.processes import is_first_rank
from unite.progress import in_terminal, shown

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MtebEvaluation:
    """What came out of mteb.

    Attributes:
        suite: the first part of the metric keys.
        scores: task -> (main score's name, its mean over splits and subsets, the task's type, its modalities).
        failed: task -> why it could not be run.
    """

    suite: str
    scores: dict[str, tuple[str, float, str, str]]
    failed: dict[str, str] = field(default_factory=dict)

    def metrics(self) -> dict[str, float]:
        """Returns every main score by its key, `mteb/STS12/cosine_spearman`."""
        return {f"{self.suite}/{task}/{name}": value for task, (name, value, _, _) in self.scores.items()}

    @property
    def score(self) -> float:
        """What a sweep may optimise."""
        return self.scored.value

    @property
    def scored(self) -> Score:
        """The mean of the main scores, with what it is."""
        main = {task: (name, value) for task, (name, value, _, _) in self.scores.items()}
        return Score.of_main_metrics(self.suite, main, tuple(self.failed))

    def table(self) -> Table:
        """Returns a table, one row a task."""
        view = Table(title=f"{self.suite}: main scores, in percent", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
        if self.failed:
            view.caption = "\n".join(f"Not run: {name}. {reason}" for name, reason in self.failed.items())
            view.caption_justify = "left"
        for heading in ("task", "type", "modalities", "main score"):
            view.add_column(heading, overflow="fold")
        view.add_column("value", justify="right", no_wrap=True)
        for task, (name, value, kind, modalities) in self.scores.items():
            view.add_row(task, kind, modalities, name, f"{100 * value:.1f}")
        return view


class MtebSuite:
    """Tasks of mteb.

    Args:
        config: the options, each documented there.

    Raises:
        ConfigError: if there is no task, mteb is not installed, or it knows no task or benchmark of that name; near ones are listed.
    """

    def __init__(self, config: MtebSuiteConfig) -> None:
        if not config.tasks:
            hint = "Name them: suite.tasks=[STS12,NanoMSMARCORetrieval], or a benchmark."
            raise ConfigError(must_be("suite.tasks", "at least one of mteb's tasks or benchmarks", config.tasks, hint))
        self.name = config.name
        self.tasks = [task for one in config.tasks for task in (_named(one, config.languages) if isinstance(one, str) else [one])]
        self.instructions = config.instructions
        self.decoding = config.decoding
        self.token_budget = config.token_budget

    def evaluate(self, encoder: Encoder, folder: Path, console: Console, cache: EmbeddingCache | None = None) -> MtebEvaluation:
        """Runs the tasks and writes what came out. Where several ranks work together, all must call this.

        Args:
            folder: gets `metrics.json`, and mteb's own files in `mteb/`.
            cache: of embeddings; without one, they are kept while this runs.

        Raises:
            DataError: if none of the tasks could be run.
        """
        mteb = _mteb()
        from unite.evaluation.mteb_encoder import MtebEncoder

        model = MtebEncoder(
            partial(embed_sharded, encoder, token_budget=self.token_budget, cache=MemoryCache() if cache is None else cache),
            name=folder.resolve().name,
            revision=f"{encoder_fingerprint(encoder):016x}",  # type: ignore[arg-type]  # an encoder is a module
            decoding=self.decoding,
            dim=getattr(encoder, "dim", None),
            num_parameters=sum(parameter.numel() for parameter in encoder.parameters()),
            max_tokens=getattr(encoder.processor, "max_length", None),
            instructions=self.instructions,
        )
        kept = mteb.ResultCache(cache_path=folder / "mteb") if is_first_rank() else None
        scores: dict[str, tuple[str, float, str, str]] = {}
        failed: dict[str, str] = {}
        for task in self.tasks:
            about = task.metadata
            try:
                # Every rank has to run every task, so none is taken from results that only the first rank has.
                with shown(f"mteb's {about.name}"):
                    bars = is_first_rank() and in_terminal()
                    done = mteb.evaluate(model, task, cache=kept, overwrite_strategy="always", show_progress_bar=bars)
            except Exception as error:  # whatever a data set that is not there, or broken, makes it raise: the rest still run
                log.warning("mteb's %s could not be run: %s: %s", about.name, type(error).__name__, error)
                failed[about.name] = f"{type(error).__name__}: {error}"
                continue
            score = float(done.task_results[0].get_score())
            if math.isnan(score):
                log.warning("mteb's %s gives no number for %s; its file tells more.", about.name, about.main_score)
                failed[about.name] = f"Its {about.main_score} is not a number."
                continue
            scores[about.name] = (about.main_score, score, about.type, "+".join(about.modalities))
        if not scores:
            raise DataError("none of mteb's tasks could be run. " + " ".join(f"{task}: {reason}" for task, reason in failed.items()))
        evaluation = MtebEvaluation(self.name, scores, failed)
        if is_first_rank():
            write_metrics(folder / "metrics.json", evaluation, score=evaluation.scored)
            console.print(evaluation.table())
        return evaluation


def _named(name: str, languages: Sequence[str] | None) -> list[Any]:
    """Returns the task of that name, or the tasks of the benchmark."""
    mteb = _mteb()
    from mteb.get_tasks import TASK_LIST

    tasks = {task.metadata.name for task in TASK_LIST}
    if name in tasks:
        return [mteb.get_task(name, languages=languages)]
    benchmarks = {benchmark.name: benchmark for benchmark in mteb.get_benchmarks()}
    if name in benchmarks:
        return list(benchmarks[name].tasks)
    folded = {one.casefold(): one for one in sorted(tasks | set(benchmarks))}
    near = [folded[one] for one in get_close_matches(name.casefold(), folded, n=5, cutoff=0.5)]
    hint = f"Near it: {', '.join(near)}." if near else "mteb.get_tasks() lists them."
    raise ConfigError(
        must_be("a name in suite.tasks", f"one of the {len(tasks)} tasks or {len(benchmarks)} benchmarks of mteb", name, hint)
    )


def _mteb() -> ModuleType:
    try:
        import mteb
    except ImportError as error:
        raise ConfigError(f"suite=mteb needs mteb, which cannot be imported ({error}): pip install 'unite[mteb]'.") from error
    return mteb
