"""The sweeper that Hydra is given: all jobs are checked before the first starts, recorded, and gone on with.

It works with any launcher (`hydra/launcher=submitit_slurm`), since each job is told its folder by the options of its command.
"""

from __future__ import annotations

import logging
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.core.utils import JobStatus, configure_log
from hydra.errors import HydraException
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from unite.build.launcher import ProcessLauncher, job_config, module_name, quoted
from unite.build.runs import overridden
from unite.config.schema import SearchConfig, SweepConfig, TrainConfig
from unite.errors import CollectedError, ConfigError, UniteError, must_be
from unite.locks import locked
from unite.progress import tracked
from unite.runs import RunFolder
from unite.silenced import silence
from unite.sweeps.naming import differences, folder_names, told
from unite.sweeps.record import RECORD, SHARED, Status, Sweep, SweepJob, flat, run_folders

if TYPE_CHECKING:
    from unite.build.check import Checks

log = logging.getLogger("unite.sweep")

#: Options that the sweeper gives to jobs.
_GIVEN = ("resume", "run_folder", "sweep.folder")
_KEPT = {
    "last": "their last checkpoint stays",
    "best": "the weights that were best in validation stay",
    "stages": "the encoders of the stages stay",
    "none": "no checkpoint stays",
}


def register_sweeps() -> None:
    """Hands the plugins to Hydra, for the options `hydra/sweeper=jobs` and `hydra/launcher=processes`."""
    for plugin in (JobSweeper, ProcessLauncher):
        Plugins.instance().register(plugin)
    Plugins.is_in_toplevel_plugins_module = staticmethod(_is_plugin)  # type: ignore[method-assign, assignment]


def _is_plugin(name: str) -> bool:
    """Hydra's own lets it make plugins of the package `hydra_plugins` alone, whatever was registered."""
    return name in Plugins.instance().class_name_to_class


class JobSweeper(Sweeper):
    """Every combination of the values given, or a search among them.

    Args:
        params: option -> values, as on the command line; what is given there wins.
        search: see `SearchConfig`; None is every combination.
    """

    def __init__(self, params: dict[str, str] | None = None, search: Mapping[str, Any] | None = None) -> None:
        self.params = dict(params or {})
        self._search = search or {}
        self._checks: Checks | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Called by Hydra."""
        self.context, self.master = hydra_context, config
        self.jobs = Plugins.instance().instantiate_launcher(hydra_context=hydra_context, task_function=task_function, config=config)

    def sweep(self, arguments: list[str]) -> None:
        """Runs the sweep and shows what became of each job; ends the process, with status 1, if there is an error or a job is left."""
        configure_log(self.master.hydra.hydra_logging, self.master.hydra.verbose)
        silence()
        try:
            self._sweep(arguments)
        except UniteError as error:
            log.error("%s: %s", type(error).__name__, error.told)
            sys.exit(1)

    def _sweep(self, arguments: Sequence[str]) -> None:
        resume = self.master.resume
        if not isinstance(resume, bool):
            hint = "A run of a sweep goes on alone without -m: resume=<its folder>@<step>."
            raise ConfigError(must_be("resume of a sweep", "true or false", resume, hint))
        folder = Path(self.master.hydra.sweep.dir)
        begun = Sweep.read(folder) if resume and (folder / RECORD).is_file() else None
        if resume and begun is None:
            log.warning("there is no sweep in %s to resume: a new one begins", folder.parent)
        self._run(folder, self._overrides(arguments, begun), begun)

    def _run(self, folder: Path, overrides: list[str], begun: Sweep | None) -> None:
        """Runs the jobs of these options; `begun` is the sweep that is gone on with."""
        search = SearchConfig(**self._search)
        if search.num_trials:
            from unite.build.search import SearchRun  # which uses this

            SearchRun(self, search).run(folder, overrides, begun)
            return
        sweep, options = self._checked(folder, overrides)
        if begun is not None:
            begun.refuse_changes(sweep)
        with locked(folder / "lock"):
            sweep.write()
            failed, interrupted = self.launch(sweep, options)
        self._end(sweep, options, failed, interrupted)

    def _overrides(self, arguments: Sequence[str], begun: Sweep | None) -> list[str]:
        """Returns the options of the command, and those that began the sweep where this command does not say otherwise."""
        given = {overridden(argument) for argument in arguments}
        ours = [f"{name}={value}" for name, value in self.params.items() if overridden(name) not in given] + list(arguments)
        ours = [override for override in ours if overridden(override) not in _GIVEN]
        if begun is None:
            return ours
        named = {overridden(override) for override in ours}
        first = [override for override in begun.overrides if overridden(override) not in named]
        log.info("resuming %s, begun with: %s", begun.folder, " ".join(first) or "the same options")
        return first + ours

    def _checked(self, folder: Path, overrides: list[str]) -> tuple[Sweep, SweepConfig]:
        """Composes and checks every job.

        Returns:
            The sweep, and how its jobs are to run.

        Raises:
            ConfigError: with everything that is wrong with any job.
        """
        parsed = OverridesParser.create(config_loader=self.context.config_loader).parse_overrides(overrides)
        combinations = BasicSweeper.split_arguments(parsed, None)[0]
        differing = differences([dict(_option(override) for override in combination) for combination in combinations])
        names = folder_names(differing)
        log.info("%d jobs are checked before the first starts", len(names))
        jobs, options, errors = self.compose(folder, list(zip(names, combinations, differing, strict=True)))
        if errors:
            raise cannot_run(errors, len(names))
        return Sweep(folder, overrides, jobs), options

    def compose(
        self, folder: Path, wanted: Sequence[tuple[str, list[str], dict[str, str]]]
    ) -> tuple[list[SweepJob], SweepConfig, dict[str, list[str]]]:
        """Composes and checks jobs.

        Args:
            folder: the sweep's.
            wanted: of each job the name of its folder, its options, and those in which it differs from the others.

        Returns:
            The jobs that can run, how they are to run, and what is wrong -> what the others are told by.
        """
        from unite.build.check import Checks  # what takes seconds to import

        if self._checks is None:
            self._checks = Checks(on_this_machine=isinstance(self.jobs, ProcessLauncher))
        errors: dict[str, list[str]] = {}
        jobs, options = [], SweepConfig()
        for name, combination, differs in tracked(wanted, "checking", "jobs"):
            given = [*combination, f"run_folder={quoted(folder / name)}", f"sweep.folder={quoted(folder)}"]
            try:
                config = cast(TrainConfig, job_config(self.context, self.master, given))
                self._checks(config, given)
                plain = OmegaConf.to_container(cast(DictConfig, config), resolve=True, enum_to_str=True)
                jobs.append(SweepJob(name, given, differs, flat(plain)))
                options = config.sweep
            except (HydraException, OmegaConfBaseException, UniteError) as error:
                for message in _messages(error):
                    errors.setdefault(message, []).append(told(differs))
        return jobs, options, errors

    def launch(self, sweep: Sweep, options: SweepConfig) -> tuple[dict[str, str], bool]:
        """Launches the jobs that are not finished; returns why some failed, and whether the sweep was interrupted."""
        left: list[tuple[SweepJob, list[str]]] = []
        for job in sweep.jobs:
            status, path = sweep.status(job), sweep.path(job)
            if status is Status.finished:
                stage = "adaptation" if job.config["adaptation.max_steps"] else "alignment"
                RunFolder(path).thin(options.keep, job.config[f"{stage}.name"])
            else:
                places = [f"hydra.sweep.dir={quoted(path.parent)}", f"hydra.sweep.subdir={quoted(Path(path.name))}"]
                left.append((job, [*job.overrides, *places, *(["resume=true"] if status is Status.broken_off else [])]))
        done = len(sweep.jobs) - len(left)
        passed = f"{done} are finished and passed over; " if done else ""
        log.info("%s%d jobs run; of a finished one %s (sweep.keep)", passed, len(left), _KEPT[str(options.keep)])
        try:
            returns = self.jobs.launch([overrides for _, overrides in left], initial_job_idx=0) if left else []
        except KeyboardInterrupt:
            return {}, True
        failed = {}
        for (job, _), returned in zip(left, returns, strict=True):
            if returned.status is not JobStatus.COMPLETED and sweep.status(job) is not Status.finished:
                failed[job.folder] = str(returned._return_value).partition("\n")[0]
        return failed, False

    def _end(self, sweep: Sweep, options: SweepConfig, failed: dict[str, str], interrupted: bool) -> None:
        """Shows the jobs and the report, and how to go on where some are left."""
        from rich.console import Console

        from unite.sweeps.table import table

        console = Console()
        console.print(table(sweep, failed))
        for line in [f"The sweep is in {sweep.folder}.", *(report_of(sweep) if options.report and not interrupted else ())]:
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        left = [job for job in sweep.jobs if sweep.status(job) is not Status.finished]
        if not left:
            shutil.rmtree(sweep.folder / SHARED, ignore_errors=True)
            return
        why = "interrupted" if interrupted else f"{len(failed)} failed"
        told_left = f"{len(left)} of {len(sweep.jobs)} jobs are left ({why}). To go on: {again()}"
        console.print(told_left, markup=False, highlight=False, soft_wrap=True)
        sys.exit(130 if interrupted else 1)


def again() -> str:
    """Returns the command that goes on with this sweep."""
    arguments = [argument for argument in sys.argv[1:] if overridden(argument) != "resume"]
    return shlex.join(["python", "-m", module_name(), *arguments, "resume=true"])


def cannot_run(errors: dict[str, list[str]], count: int) -> ConfigError:
    """Returns the error that tells everything that is wrong with any of `count` jobs."""
    num_wrong = len({job for of in errors.values() for job in of})  # one may have several things wrong
    lines = [f"  {'every job' if len(of) == count else ', '.join(of)}: {message}" for message, of in errors.items()]
    return ConfigError("\n".join([f"{num_wrong} of the {count} jobs cannot run, so none was started.", *lines]))


def report_of(sweep: Sweep) -> list[str]:
    """Writes the pages of the finished jobs; returns what is to be told. A sweep is not lost by what they refuse."""
    from unite.build.dashboard import write_page
    from unite.comparison.dashboard.gather import Gathering
    from unite.comparison.report import write_report

    try:
        runs = [str(folder) for folder in run_folders(sweep.folder) or ()]
        told_page = write_page(Gathering(runs).read(), sweep.folder / "dashboard")
        return [*write_report(runs, sweep.folder / "report"), told_page]  # which links the dashboard beside it
    except UniteError as error:
        return [f"There is no report: {error.told}"]


def _option(override: str) -> tuple[str, str]:
    """Returns name and value: (`experiment`, `stage2_mamcl`) of `+experiment=stage2_mamcl`."""
    return overridden(override), override.partition("=")[2].strip("'\"")


def _messages(error: Exception) -> list[str]:
    """Returns what an error says, line by line where it tells several, and of a composition's what caused it."""
    if isinstance(error, UniteError):
        return [one.told for one in (error.errors if isinstance(error, CollectedError) else [error])]
    cause = f" ({str(error.__cause__).strip().splitlines()[0]})" if isinstance(error.__cause__, OmegaConfBaseException) else ""
    text: Any = str(error).removeprefix("ConfigError: ").partition("Config search path")[0]
    return [" ".join(line.strip() for line in text.splitlines() if line.strip()) + cause]
