"""A sweep that searches: what comes next is drawn by the scores so far. Its jobs are those of a sweep, a batch after the other."""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override
from omegaconf import OmegaConf

from unite.build.launcher import job_config
from unite.build.runs import overridden
from unite.build.sweep import JobSweeper, again, cannot_run, report_of
from unite.config.schema import SearchConfig, SweepConfig, TrainConfig
from unite.errors import ConfigError, must_be
from unite.files import read_json
from unite.locks import locked
from unite.sweeps.naming import told
from unite.sweeps.pruning import PRUNED
from unite.sweeps.record import SHARED, Status, Sweep, SweepJob
from unite.sweeps.search import Search, SearchTrial, import_optuna
from unite.sweeps.space import Choice, Interval, Space

log = logging.getLogger("unite.sweep")


class SearchRun:
    """A search, whose trials are drawn by optuna so that the score gets better.

    Args:
        sweeper: composes, checks and launches jobs.
        config: of the search.
    """

    def __init__(self, sweeper: JobSweeper, config: SearchConfig) -> None:
        self.sweeper, self.config = sweeper, config

    def run(self, folder: Path, overrides: list[str], begun: Sweep | None) -> None:
        """Runs trials until there are as many as asked for."""
        import_optuna()
        fixed, space = self._space(overrides)
        options = self._check(folder, fixed, space)
        with locked(folder / "lock"):
            search = Search(folder, space, self.config.seed)
            sweep = Sweep(folder, overrides, [])
            if begun is not None:
                known = {job.folder for job in begun.jobs}
                jobs, _ = self._jobs(folder, fixed, [trial for trial in search.trials() if trial.folder in known])
                sweep.jobs.extend(jobs)
                begun.refuse_changes(sweep)
            interrupted = False
            while not interrupted and (batch := self._batch(search, options)):
                interrupted = self._run_batch(search, sweep, fixed, batch, options)
                search.write()
        self._tell_end(search, sweep, options, interrupted)

    def _space(self, overrides: Sequence[str]) -> tuple[list[str], Space]:
        """Divides the options into those that all trials have and the space of those that are varied."""
        parsed = OverridesParser.create(config_loader=self.sweeper.context.config_loader).parse_overrides(list(overrides))
        fixed = [text for text, override in zip(overrides, parsed, strict=True) if not override.is_sweep_override()]
        varied = {override.get_key_element(): _values(override) for override in parsed if override.is_sweep_override()}
        config = cast(TrainConfig, job_config(self.sweeper.context, self.sweeper.master, fixed))
        if "seed" in varied:
            hint = "To know the spread over seeds, run the best trial's options as a sweep over seeds."
            raise ConfigError(must_be("what a search varies", "options", "seed, which is none", hint))
        simplexes = {key: _names(config, key, list(varied)) for key in self.config.simplex}
        if not varied and not simplexes:
            hint = "Give values by commas or interval(0.01,0.1), or hydra.sweeper.search.simplex=[mixture.shares]."
            raise ConfigError(must_be("what a search varies", "at least one option", "nothing", hint))
        if not config.evaluate:
            raise ConfigError(must_be("evaluate", "true in a search, which goes by the score", False))
        if self.config.prune and not config.validation.every_n_steps:
            hint = "Choose validation=held_out or validation=suite."
            raise ConfigError(must_be("hydra.sweeper.search.prune", "false where nothing is validated", True, hint))
        return fixed, Space(varied, simplexes)

    def _check(self, folder: Path, fixed: Sequence[str], space: Space) -> SweepConfig:
        """Checks every value of a choice, and of every interval both ends and a value inside.

        Raises:
            ConfigError: with everything that is wrong.
        """
        probes = list(space.probes())
        log.info("%d points of the space are checked before the first trial", len(probes))
        wanted = [(f"trial-{number:03d}", [*fixed, *_given(probe)], probe) for number, probe in enumerate(probes)]
        _, options, errors = self.sweeper.compose(folder, wanted)
        if errors:
            raise cannot_run(errors, len(probes))
        return options

    def _batch(self, search: Search, options: SweepConfig) -> list[SearchTrial]:
        """Returns the trials that run next: those that a killed search left, and new ones."""
        batch = search.running()
        size = self.config.batch_size or options.num_parallel
        while len(batch) < size and len(search.trials()) < self.config.num_trials:
            batch.append(search.ask())
        return batch

    def _jobs(self, folder: Path, fixed: Sequence[str], trials: Sequence[SearchTrial]) -> tuple[list[SweepJob], dict[str, str]]:
        """Returns the jobs of trials, and of those that cannot run why."""
        jobs: list[SweepJob] = []
        wrong: dict[str, str] = {}
        for trial in trials:
            pruned = [f"sweep.trial={trial.number}"] if self.config.prune else []
            made, _, errors = self.sweeper.compose(folder, [(trial.folder, [*fixed, *_given(trial.overrides), *pruned], trial.overrides)])
            jobs += made
            if errors:
                wrong[trial.folder] = next(iter(errors))
        return jobs, wrong

    def _run_batch(self, search: Search, sweep: Sweep, fixed: Sequence[str], batch: Sequence[SearchTrial], options: SweepConfig) -> bool:
        """Runs a batch and tells how its trials ended; returns whether the search was interrupted."""
        jobs, wrong = self._jobs(sweep.folder, fixed, batch)
        known = {job.folder for job in sweep.jobs}
        sweep.jobs.extend(job for job in jobs if job.folder not in known)
        sweep.write()
        for trial in batch:
            log.info("%s: %s", trial.folder, told(trial.overrides))
        failed, interrupted = self.sweeper.launch(Sweep(sweep.folder, sweep.overrides, jobs), options)
        by_folder = {job.folder: job for job in jobs}
        for trial in batch:
            if trial.folder in wrong:
                search.tell_failed(trial, wrong[trial.folder])
            elif trial.folder in failed:
                search.tell_failed(trial, failed[trial.folder])
            elif sweep.status(by_folder[trial.folder]) is Status.finished:
                self._tell(search, sweep, trial, by_folder[trial.folder])
        return interrupted

    def _tell(self, search: Search, sweep: Sweep, trial: SearchTrial, job: SweepJob) -> None:
        score, pruned = sweep.score(job), sweep.path(job) / PRUNED
        if pruned.is_file():
            search.tell_pruned(trial, int(read_json(pruned)["step"]))
        elif score is None:
            search.tell_failed(trial, "its suite has no score")
        else:
            search.tell(trial, score)

    def _tell_end(self, search: Search, sweep: Sweep, options: SweepConfig, interrupted: bool) -> None:
        """Shows the trials, the best of them and what mattered; ends the process with a status where some are left."""
        from rich.console import Console

        from unite.sweeps.table import matters_table, table

        console = Console()
        console.print(table(sweep, search.failed()))
        found = search.write()
        if found["matters"]:
            console.print(matters_table(found["matters"]))
        lines = [f"The search is in {sweep.folder}."]
        if found["best"]:
            best = found["best"]
            lines.append(
                f"The best of {len(found['trials'])} trials is {best['folder']}, score {best['score']:.4f}: {told(best['options'])}"
            )
        for line in [*lines, *(report_of(sweep) if options.report and not interrupted else ())]:
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        if interrupted:
            console.print(f"The search was interrupted. To go on: {again()}", markup=False, highlight=False, soft_wrap=True)
            sys.exit(130)
        shutil.rmtree(sweep.folder / SHARED, ignore_errors=True)
        if search.failed():
            sys.exit(1)


def _given(values: dict[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in values.items()]


def _values(override: Override) -> Choice | Interval:
    value: Any = override.value()
    if isinstance(value, IntervalSweep):
        return Interval(cast(float, value.start), cast(float, value.end), "log" in value.tags)
    return Choice(tuple(override.sweep_string_iterator()))


def _names(config: TrainConfig, key: str, varied: Sequence[str]) -> list[str]:
    """Returns the names in a mapping of shares.

    Raises:
        ConfigError: if the key is none of a mapping of numbers, two at least, or what is varied changes the mapping.
    """
    shares = OmegaConf.select(cast(Any, config), key)
    what = f"hydra.sweeper.search.simplex key {key}"
    names = list(shares) if OmegaConf.is_dict(shares) else []
    if len(names) < 2 or not all(isinstance(shares[name], int | float) for name in names):
        raise ConfigError(must_be(what, "a mapping of two shares at least, like mixture.shares", repr(shares)))
    changed = [name for name in varied if f"{key}.".startswith(f"{overridden(name)}.") or name.startswith(f"{key}.")]
    if changed:
        raise ConfigError(must_be(what, "apart from what else is varied", f"with {', '.join(changed)}", "Vary one of them."))
    return names
