"""Sweeps: `python -m unite.train -m`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Keep(StrEnum):
    """Which checkpoint of a finished run stays: that of its last step, the weights that were best in validation, or none."""

    last = "last"
    best = "best"
    none = "none"


@dataclass(kw_only=True)
class SweepConfig:
    """A sweep over jobs.

    Attributes:
        num_parallel: jobs that run at a time on this machine, each with its share of the threads and GPUs.
        keep: which checkpoint of a finished job stays: `last`, `best` (in validation), `none`. The exported encoder always stays.
        share_stages: jobs whose first stages are the same in all that matters train them once.
        report: write a report and a dashboard of the finished jobs at the end, in the sweep's folder.
        folder: of the sweep that a job is of; the sweep gives it.
    """

    num_parallel: int = 1
    keep: Keep = Keep.last
    share_stages: bool = True
    report: bool = False
    folder: str | None = None


@dataclass(kw_only=True)
class JobSweeperConfig:
    """Hydra's `hydra/sweeper=jobs`.

    Attributes:
        params: option -> values, as on the command line, which wins.
    """

    _target_: str = "unite.build.sweep.JobSweeper"
    params: dict[str, str] | None = None


@dataclass(kw_only=True)
class ProcessLauncherConfig:
    """Hydra's `hydra/launcher=processes`. How many run at a time is `sweep.num_parallel`."""

    _target_: str = "unite.build.launcher.ProcessLauncher"
