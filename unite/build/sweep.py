"""What Hydra learns of sweeps: a sweeper that checks all jobs, records them and goes on with them, and a launcher of processes.

Both are plugins that `register_sweeps` hands to Hydra. The sweeper works with any launcher (`hydra/launcher=submitit_slurm`), since it gives
each job its folder as options of its command.
"""

from __future__ import annotations

import logging
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus, configure_log
from hydra.errors import HydraException
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from unite.build.runs import overridden
from unite.config.schema import TrainConfig
from unite.errors import ConfigError, TrainingError, UniteError
from unite.files import locked
from unite.runs import RunFolder
from unite.sweeps.naming import differences, folder_names, told
from unite.sweeps.processes import OUTPUT, Ended, Job, last_lines, run_jobs
from unite.sweeps.record import RECORD, Status, Sweep, SweepJob, flat

log = logging.getLogger("unite.sweep")

_JOINED = ("resume", "run_folder", "sweep.folder")


@dataclass
class _SweeperConf:
    _target_: str = f"{__name__}.JobSweeper"
    params: dict[str, str] | None = None


@dataclass
class _LauncherConf:
    _target_: str = f"{__name__}.ProcessLauncher"


def register_sweeps() -> None:
    """Hands the plugins to Hydra: the options `hydra/sweeper=jobs` and `hydra/launcher=processes`."""
    for plugin in (JobSweeper, ProcessLauncher):
        Plugins.instance().register(plugin)
    Plugins.is_in_toplevel_plugins_module = staticmethod(_is_plugin)  # type: ignore[method-assign]
    store = ConfigStore.instance()
    store.store(group="hydra/sweeper", name="jobs", node=_SweeperConf, provider="unite")
    store.store(group="hydra/launcher", name="processes", node=_LauncherConf, provider="unite")


def _is_plugin(name: str) -> bool:
    """Hydra's own lets it make plugins of the package `hydra_plugins` alone, whatever was registered."""
    return name in Plugins.instance().class_name_to_class


class _Plugin:
    """What Hydra hands to either plugin."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Called by Hydra."""
        self.context, self.config = hydra_context, config

    def composed(self, overrides: Sequence[str]) -> DictConfig:
        """Returns a job's config, without Hydra's part."""
        config = self.context.config_loader.load_sweep_config(self.config, list(overrides))
        with open_dict(config):
            config.pop("hydra")
        return config


class JobSweeper(_Plugin, Sweeper):
    """Every combination of the values given; all jobs are checked before the first starts.

    Args:
        params: option -> values, as on the command line; what is given there wins.
    """

    def __init__(self, params: dict[str, str] | None = None) -> None:
        self.params = dict(params or {})

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Called by Hydra."""
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        self.launcher = Plugins.instance().instantiate_launcher(hydra_context=hydra_context, task_function=task_function, config=config)

    def sweep(self, arguments: list[str]) -> Any:
        """Runs the sweep, shows what became of each job, and ends the process with status 1 if one failed."""
        configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        with _shown():
            folder, resume = Path(self.config.hydra.sweep.dir), bool(self.config.resume)
            begun = Sweep.read(folder) if resume and (folder / RECORD).is_file() else None
            if resume and begun is None:
                log.warning("there is no sweep in %s to resume: a new one begins", folder.parent)
            overrides = self._overrides(arguments, begun)
            sweep, options = self._checked(folder, overrides)
            if begun is not None:
                begun.refuse_changes(sweep)
            with locked(folder / "lock"):
                sweep.write()
                failed, interrupted = self._launch(sweep, options)
            self._end(sweep, options, failed, interrupted)

    def _overrides(self, arguments: Sequence[str], begun: Sweep | None) -> list[str]:
        """Returns the options of the command, and those that began the sweep where this command does not say otherwise."""
        given = {overridden(argument) for argument in arguments}
        ours = [f"{name}={value}" for name, value in self.params.items() if overridden(name) not in given] + list(arguments)
        ours = [override for override in ours if overridden(override) not in _JOINED]
        if begun is None:
            return ours
        named = {overridden(override) for override in ours}
        first = [override for override in begun.overrides if overridden(override) not in named]
        log.info("resuming %s, begun with: %s", begun.folder, " ".join(first) or "the same options")
        return first + ours

    def _checked(self, folder: Path, overrides: list[str]) -> tuple[Sweep, TrainConfig]:
        """Composes and checks every job.

        Returns:
            The sweep, and the options of its first job, whose part `sweep` is that of all.

        Raises:
            ConfigError: with everything that is wrong with any job.
        """
        from unite.build.check import Checks

        parsed = OverridesParser.create(config_loader=self.context.config_loader).parse_overrides(overrides)
        jobs = BasicSweeper.split_arguments(parsed, None)[0]
        differing = differences([dict(_option(override) for override in job) for job in jobs])
        names = folder_names(differing)
        log.info("%d jobs are checked before the first starts", len(jobs))
        errors: dict[str, list[str]] = {}
        made: list[tuple[SweepJob, TrainConfig]] = []
        checks = Checks(on_this_machine=isinstance(self.launcher, ProcessLauncher))
        for job, differs, name in zip(jobs, differing, names, strict=True):
            given = [*job, f"run_folder={_quoted(folder / name)}", f"sweep.folder={_quoted(folder)}"]
            try:
                config = self.composed(given)
                checks(cast(TrainConfig, config), given)
                plain = OmegaConf.to_container(config, resolve=True, enum_to_str=True)
            except (HydraException, OmegaConfBaseException, UniteError) as error:
                errors.setdefault(_message(error), []).append(told(differs))
            else:
                made.append((SweepJob(name, given, differs, flat(plain)), cast(TrainConfig, config)))
        if errors:
            count = len({name for names in errors.values() for name in names})
            which = f"{count} of the {len(jobs)} jobs cannot run, so none was started"
            lines = [f"  {'every job' if len(of) == len(jobs) else ', '.join(of)}: {message}" for message, of in errors.items()]
            raise ConfigError("\n".join([f"{which}.", *lines]))
        return Sweep(folder, overrides, [job for job, _ in made]), made[0][1]

    def _launch(self, sweep: Sweep, options: TrainConfig) -> tuple[dict[str, str], bool]:
        """Launches the jobs that are not finished; returns why some failed, and whether it was interrupted."""
        left = []
        for job in sweep.jobs:
            status = sweep.status(job)
            if status is Status.finished:
                stage = "adaptation" if job.config["adaptation.max_steps"] else "alignment"
                RunFolder(sweep.path(job)).thin(options.sweep.keep, job.config[f"{stage}.name"])
                continue
            path = sweep.path(job)
            places = [f"hydra.sweep.dir={_quoted(path.parent)}", f"hydra.sweep.subdir={_quoted(path.name)}"]
            left.append([*job.overrides, *places, *(["resume=true"] if status is Status.broken_off else [])])
        passed = len(sweep.jobs) - len(left)
        kept = {"last": "their last checkpoint", "best": "the checkpoint that was best in validation", "none": "no checkpoint"}
        done = f"{passed} are finished already; " if passed else ""
        log.info("%s%d jobs run; of finished ones, %s stays (sweep.keep)", done, len(left), kept[str(options.sweep.keep)])
        if not left:
            return {}, False
        try:
            returns = self.launcher.launch(left, initial_job_idx=0)
        except KeyboardInterrupt:
            return {}, True
        pending = [job for job in sweep.jobs if f"run_folder={_quoted(sweep.path(job))}" in {one for job in left for one in job}]
        failed = {}
        for job, returned in zip(pending, returns, strict=True):
            if returned.status is not JobStatus.COMPLETED and sweep.status(job) is not Status.finished:
                failed[job.folder] = str(returned._return_value).partition("\n")[0]
        return failed, False

    def _end(self, sweep: Sweep, options: TrainConfig, failed: dict[str, str], interrupted: bool) -> None:
        from rich.console import Console

        from unite.sweeps.table import table

        console = Console()
        console.print(table(sweep, failed))
        left = [job for job in sweep.jobs if sweep.status(job) is not Status.finished]
        if left:
            arguments = [argument for argument in sys.argv[1:] if overridden(argument) != "resume"]
            again = shlex.join(["python", "-m", _module(), *arguments, "resume=true"])
            why = "interrupted" if interrupted else f"{len(failed)} failed"
            console.print(
                f"{len(left)} of {len(sweep.jobs)} jobs are left ({why}). To go on: {again}", markup=False, highlight=False, soft_wrap=True
            )
        if interrupted:
            sys.exit(130)
        if left:
            sys.exit(1)


class ProcessLauncher(_Plugin, Launcher):
    """Runs each job as a process of its own on this machine, `sweep.num_parallel` at a time."""

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Runs the jobs, each given by its options, and returns in their order how each ended."""
        configs = [cast(TrainConfig, self.composed(overrides)) for overrides in job_overrides]
        options, count = configs[0].sweep, len(configs)
        folders = [Path(config.run_folder) for config in configs]
        jobs = [Job(self._command(given), folder, folder.name) for given, folder in zip(job_overrides, folders, strict=True)]
        returns = [JobReturn(overrides=list(given)) for given in job_overrides]

        def on_start(number: int) -> None:
            log.info("job %d of %d starts: %s (%s)", number + 1, count, jobs[number].name, folders[number] / OUTPUT)

        def on_end(number: int, ended: Ended) -> None:
            done, name = (folders[number] / "finished").is_file(), jobs[number].name
            if ended.status == 0 and done:
                returns[number].return_value, returns[number].status = None, JobStatus.COMPLETED
                log.info("job %d of %d finished: %s, %.0f s", number + 1, count, name, ended.seconds)
                return
            returns[number].return_value, returns[number].status = TrainingError(ended.reason()), JobStatus.FAILED
            lines = "\n".join(f"    {line}" for line in last_lines(folders[number]))
            log.error("job %d of %d failed: %s, %s after %.0f s. The others go on.\n%s", number + 1, count, name, ended.reason(), ended.seconds, lines)

        threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        num_parallel = min(options.num_parallel, count)
        log.info("%d at a time on %d threads", num_parallel, threads)
        run_jobs(jobs, num_parallel, num_threads=threads, gpus=_gpus(), on_start=on_start, on_end=on_end)
        return returns

    def _command(self, overrides: Sequence[str]) -> list[str]:
        """Returns the command of a single run with these options."""
        hydra = self.config.hydra
        folders = [["--config-dir", source.path] for source in hydra.runtime.config_sources if source.provider == "command-line"]
        ours = [override for override in hydra.overrides.hydra if not override.startswith(_OF_THE_SWEEP)]
        given = [override for override in overrides if not override.startswith(_OF_THE_SWEEP)]
        return [sys.executable, "-m", _module(), *(part for pair in folders for part in pair), *ours, *given, "hydra.mode=RUN"]


_OF_THE_SWEEP = ("hydra.mode", "hydra.sweep", "hydra/sweep", "hydra.launcher", "hydra/launcher")


def _module() -> str:
    """Returns the name by which this command was started."""
    spec = sys.modules["__main__"].__spec__
    return spec.name if spec is not None else "unite.train"


def _gpus() -> list[str]:
    """Returns the names of the GPUs that jobs may use."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name for name in visible.split(",") if name]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


def _option(override: str) -> tuple[str, str]:
    """Returns name and value: (`experiment`, `stage2_mamcl`) of `+experiment=stage2_mamcl`."""
    return overridden(override), override.partition("=")[2].strip("'\"")


def _quoted(path: Path) -> str:
    """Returns a path as the value of an override."""
    text = str(path).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{text}'"


def _message(error: Exception) -> str:
    """Returns what an error says, and of a composition's what caused it, in a line or two."""
    if isinstance(error, UniteError):
        return error.told
    cause = f" ({str(error.__cause__).strip().splitlines()[0]})" if isinstance(error.__cause__, OmegaConfBaseException) else ""
    return " ".join(line.strip() for line in str(error).partition("Config search path")[0].splitlines() if line.strip()) + cause


@contextmanager
def _shown() -> Iterator[None]:
    """Ends the process with the message alone when the user's input is at fault."""
    try:
        yield
    except UniteError as error:
        log.error("%s: %s", type(error).__name__, error.told)
        sys.exit(1)
