"""Sweeps: `python -m unite.train -m`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from unite.errors import ConfigError, must_be


class Keep(StrEnum):
    """What stays of a finished run's checkpoints: that of its last step, the best weights in validation, each stage's encoder, or none."""

    last = "last"
    best = "best"
    stages = "stages"
    none = "none"


@dataclass(kw_only=True)
class SweepConfig:
    """A sweep over jobs.

    Attributes:
        num_parallel: jobs that run at a time on this machine, each with its share of the threads and GPUs.
        keep: what stays of a finished job's checkpoints: the `last`, the `best` (in validation), the encoders of the `stages` before the
            last one, or `none`. The exported encoder always stays.
        share_stages: jobs whose first stages are the same in all that matters train them once.
        report: write a report and a dashboard of the finished jobs at the end, in the sweep's folder.
        folder: of the sweep that a job is of; the sweep gives it.
        trial: number of the job in a search that may end it early; the search gives it.
    """

    num_parallel: int = 1
    keep: Keep = Keep.last
    share_stages: bool = True
    report: bool = False
    folder: str | None = None
    trial: int | None = None


@dataclass(kw_only=True)
class SearchConfig:
    """A search for the options with the highest score, in place of every combination.

    Values by commas are choices; `interval(0.01,0.1)`, `tag(log,interval(1e-5,1e-3))` and `int(interval(100,900))` are numbers in between.

    Attributes:
        num_trials: how many jobs at most, those that failed among them; 0 is no search but every combination.
        simplex: keys of mappings of shares that are varied as a whole, like `mixture.shares`.
        batch_size: trials that are drawn before the first of them is told; null takes `sweep.num_parallel`.
        seed: of what is drawn.
        prune: end trials early whose validation is below the median of those before; `validation` must say on what.
    """

    num_trials: int = 0
    simplex: list[str] = field(default_factory=list)
    batch_size: int | None = None
    seed: int = 0
    prune: bool = False

    def __post_init__(self) -> None:
        for name, number, least in (("num_trials", self.num_trials, 0), ("batch_size", self.batch_size, 1), ("seed", self.seed, 0)):
            if number is not None and number < least:
                raise ConfigError(must_be(f"hydra.sweeper.search.{name}", f"at least {least}", number))


@dataclass(kw_only=True)
class JobSweeperConfig:
    """Hydra's `hydra/sweeper=jobs`.

    Attributes:
        params: option -> values, as on the command line, which wins.
        search: for the best of the values, in place of every combination.
    """

    _target_: str = "unite.build.sweep.JobSweeper"
    params: dict[str, str] | None = None
    search: SearchConfig = field(default_factory=SearchConfig)


@dataclass(kw_only=True)
class ProcessLauncherConfig:
    """Hydra's `hydra/launcher=processes`. How many run at a time is `sweep.num_parallel`."""

    _target_: str = "unite.build.launcher.ProcessLauncher"
