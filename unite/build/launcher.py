"""The launcher that Hydra is given: each job is the process of a single run on this machine, some at a time."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from unite.build.runs import overridden
from unite.config.resumed import FINISHED
from unite.config.schema import TrainConfig
from unite.errors import TrainingError
from unite.progress import shown
from unite.sweeps.processes import OUTPUT, Ended, Job, last_lines, run_jobs

log = logging.getLogger("unite.sweep")

#: Overrides of Hydra's own that are the sweep's and not its jobs'.
_OF_THE_SWEEP = ("hydra.mode", "hydra.sweep", "hydra/sweep", "hydra.launcher", "hydra/launcher")


class ProcessLauncher(Launcher):
    """Runs each job as a process of its own on this machine, `sweep.num_parallel` at a time."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Called by Hydra."""
        self.context, self.config = hydra_context, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Runs the jobs, each given by its options, and returns in their order how each ended.

        Raises:
            KeyboardInterrupt: when interrupted; the jobs have ended then.
        """
        folders = [_run_folder(overrides) for overrides in job_overrides]
        jobs = [Job(self._command(given), folder, folder.name) for given, folder in zip(job_overrides, folders, strict=True)]
        returns = [JobReturn(overrides=list(given)) for given in job_overrides]
        count = len(jobs)

        def on_start(number: int) -> None:
            log.info("job %d of %d starts: %s (%s)", number + 1, count, jobs[number].name, folders[number] / OUTPUT)

        def on_end(number: int, ended: Ended) -> None:
            work.advance()
            which = f"job {number + 1} of {count}"
            if ended.status == 0 and (folders[number] / FINISHED).is_file():
                returns[number].return_value, returns[number].status = None, JobStatus.COMPLETED
                log.info("%s finished: %s, %.0f s", which, jobs[number].name, ended.seconds)
                return
            returns[number].return_value, returns[number].status = TrainingError(ended.reason()), JobStatus.FAILED
            said = "\n".join(f"    {line}" for line in last_lines(folders[number]))
            log.error("%s failed: %s, %s after %.0f s:\n%s", which, jobs[number].name, ended.reason(), ended.seconds, said)

        first = cast(TrainConfig, job_config(self.context, self.config, job_overrides[0]))
        num_parallel = min(first.sweep.num_parallel, count)
        num_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        log.info("%d at a time on %d threads", num_parallel, num_threads)
        with shown("the sweep", count, "jobs") as work:
            run_jobs(jobs, num_parallel, num_threads=num_threads, gpus=_gpus(), on_start=on_start, on_end=on_end)
        return returns

    def _command(self, overrides: Sequence[str]) -> list[str]:
        """Returns the command of a single run with these options."""
        hydra = self.config.hydra
        folders = [["--config-dir", source.path] for source in hydra.runtime.config_sources if source.provider == "command-line"]
        given = [override for override in (*hydra.overrides.hydra, *overrides) if not override.startswith(_OF_THE_SWEEP)]
        return [sys.executable, "-m", module_name(), *(part for pair in folders for part in pair), *given, "hydra.mode=RUN"]


def job_config(context: HydraContext, config: DictConfig, overrides: Sequence[str]) -> DictConfig:
    """Returns the config of a job with these options, without Hydra's part."""
    job = context.config_loader.load_sweep_config(config, list(overrides))
    with open_dict(job):
        job.pop("hydra")
    return job


def module_name() -> str:
    """Returns the name by which this command was started with `-m`."""
    spec = sys.modules["__main__"].__spec__
    return spec.name if spec is not None else "unite.train"


def quoted(path: Path) -> str:
    """Returns a path as the value of an override."""
    text = str(path).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{text}'"


def _run_folder(overrides: Sequence[str]) -> Path:
    """Returns the run folder that a job's options give."""
    (given,) = (override for override in overrides if overridden(override) == "run_folder")
    return Path(cast(str, OverridesParser.create().parse_override(given).value()))


def _gpus() -> list[str]:
    """Returns the names of the GPUs that jobs may use."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name for name in visible.split(",") if name]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]
