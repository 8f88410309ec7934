"""mteb's tasks and benchmarks on a checkpoint: `python -m unite.evaluate checkpoint=... suite=mteb 'suite.tasks=[STS12,"MIEB(lite)"]'`.

mteb loads the data, ranks, classifies, clusters, scores and takes a benchmark's means; this names the tasks, hands it the encoder and
collects what comes out.
"""

from __future__ import annotations

import logging
import math
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from unite.checkpoints import checkpoint_label
from unite.config.schema.encoder import ReadingConfig
from unite.config.schema.evaluation import MtebSuiteConfig
from unite.config.schema.media import Decoding
from unite.embedding.embed import Encoder
from unite.embedding.memory import EmbeddingCache, MemoryCache
from unite.embedding.sharing import embed_sharded
from unite.errors import ConfigError, DataError, must_be
from unite.evaluation.mteb_names import asked_for, import_mteb
from unite.evaluation.mteb_results import BenchmarkScore, MtebEvaluation, score_benchmark
from unite.evaluation.results import write_metrics
from unite.evaluation.score import not_run
from unite.processes import is_first_rank
from unite.progress import in_terminal, shown

log = logging.getLogger(__name__)

_OFFLINE = ". With HF_HUB_OFFLINE=0 its data is downloaded."


class MtebSuite:
    """Tasks and benchmarks of mteb.

    Args:
        config: the options, each documented there.

    Attributes:
        tasks: label -> task, each once, however many of the benchmarks have it: its name, and where another of that name has other
            languages or splits, behind it the benchmark's.

    Raises:
        ConfigError: if there is no task, mteb is not installed, or it knows no task or benchmark of that name; near ones are listed.
    """

    def __init__(self, config: MtebSuiteConfig) -> None:
        if not config.tasks:
            hint = "Name them: suite.tasks=[STS12,NanoMSMARCORetrieval], or a benchmark."
            raise ConfigError(must_be("suite.tasks", "at least one of mteb's tasks or benchmarks", config.tasks, hint))
        self.name = config.name
        self.asked = [asked_for(entry, config.languages) for entry in config.tasks]
        self.instructions = config.instructions
        self.decoding = config.decoding
        self.token_budget = config.token_budget
        self.tasks: dict[str, Any] = {}
        self._labels: dict[tuple[object, ...], str] = {}
        for one in self.asked:
            for task in one.tasks:
                if _scope(task) not in self._labels:
                    name = task.metadata.name
                    label = name if name not in self.tasks else f"{name} ({one.name})"
                    self._labels[_scope(task)] = label
                    self.tasks[label] = task

    def settings(self, encoder: Encoder) -> dict[str, Any]:
        """Returns how an encoder is run where that is not as by default: mteb keeps it as an experiment of the model."""
        decoding = {name: value for name, value in asdict(self.decoding).items() if value != getattr(Decoding(), name)}
        override = getattr(getattr(encoder, "config", None), "override", None)
        changed = decoding | (override.asked() if override else {})
        return ({} if self.instructions else {"instructions": False}) | {name: _plain(value) for name, value in changed.items()}

    def evaluate(
        self, encoder: Encoder, folder: Path, console: Console, cache: EmbeddingCache | None = None, checkpoint: str | None = None
    ) -> MtebEvaluation:
        """Runs the tasks and writes what came out. Where several ranks work together, all must call this.

        Args:
            folder: gets `metrics.json`, and mteb's own files in `mteb/`.
            cache: of embeddings; without one, they are kept while this runs.
            checkpoint: the folder or hub name that the encoder is of; by default the one that it was loaded from, if it says so.

        Raises:
            DataError: if none of the tasks could be run.
        """
        mteb = import_mteb()
        from unite.evaluation.mteb_encoder import MtebEncoder
        from unite.evaluation.mteb_model import meta_of

        loaded_from = getattr(getattr(encoder, "config", None), "path", None)
        label = checkpoint_label(checkpoint or loaded_from or folder)
        settings = self.settings(encoder)
        meta = meta_of(encoder, label, settings)
        embed = partial(embed_sharded, encoder, token_budget=self.token_budget, cache=MemoryCache() if cache is None else cache)
        model = MtebEncoder(embed, meta, self.decoding, self.instructions)
        kept = mteb.ResultCache(cache_path=folder / "mteb") if is_first_rank() else None
        results: dict[str, Any] = {}
        scores: dict[str, tuple[str, float, str, str]] = {}
        failed: dict[str, str] = {}
        for name, task in self.tasks.items():
            about = task.metadata
            try:
                # Every rank has to run every task, so none is taken from results that only the first rank has.
                with shown(f"mteb's {name}"):
                    bars = is_first_rank() and in_terminal()
                    done = mteb.evaluate(model, task, cache=kept, overwrite_strategy="always", show_progress_bar=bars)
            except Exception as error:  # whatever a data set that is not there, or broken, makes it raise: the rest still run
                failed[name] = f"{type(error).__name__}: {error}{_OFFLINE if 'offline' in str(error).lower() else ''}"
                log.warning("mteb's %s could not be run: %s", name, failed[name])
                continue
            score = float(done.task_results[0].get_score())
            if math.isnan(score):
                log.warning("mteb's %s gives no number for %s; its file tells more.", name, about.main_score)
                failed[name] = f"Its {about.main_score} is not a number."
                continue
            results[name] = done.task_results[0]
            scores[name] = (about.main_score, score, about.type, "+".join(about.modalities))
        if not scores:
            raise DataError("\n".join(["none of mteb's tasks could be run.", *not_run(failed, "The log tells why.")]))
        benchmarks = self._benchmarks(results, str(meta.name), str(meta.revision))
        alone = tuple(self._labels[_scope(one.tasks[0])] for one in self.asked if one.benchmark is None)
        evaluation = MtebEvaluation(self.name, scores, failed, benchmarks, alone, settings)
        if is_first_rank():
            write_metrics(folder / "metrics.json", evaluation, score=evaluation.scored)
            console.print(evaluation.table())
            for note in (*evaluation.notes(), *_told_reading(encoder), f"mteb knows the model as {meta.name}, revision {meta.revision}."):
                console.print(note, soft_wrap=True, markup=False)
        return evaluation

    def _benchmarks(self, results: dict[str, Any], model: str, revision: str) -> dict[str, BenchmarkScore]:
        """Returns the scores of the benchmarks that were asked for."""
        scores = {}
        for one in self.asked:
            if one.benchmark is not None:
                found = {task.metadata.name: results.get(self._labels[_scope(task)]) for task in one.tasks}
                scores[one.name] = score_benchmark(one.benchmark, found, model, revision)
        return scores


def _scope(task: Any) -> tuple[object, ...]:
    """Returns what a result is of: a task, its subsets and its splits."""
    return (task.metadata.name, tuple(task.hf_subsets or ()), tuple(task.eval_splits or ()))


def _told_reading(encoder: Any) -> list[str]:
    """Returns a line on how an encoder of ours reads contents: positions and caps are the checkpoint's, whatever the suite."""
    config = getattr(encoder, "config", None)
    if not isinstance(config, ReadingConfig):
        return []
    images = f"images of {config.min_image_tokens} to {config.max_image_tokens} tokens"
    sizes = f"{images}, frames of {config.min_frame_pixels} to {config.max_frame_pixels} pixels, {config.max_length} tokens"
    return [f"Contents are read with prompt={config.prompt.name} and positions={config.positions}: {sizes}."]


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value
