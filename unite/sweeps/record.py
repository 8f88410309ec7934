"""A sweep's folder: `sweep.json` tells its jobs; what became of each is read from the job's own folder.

<runs_root>/<name>/sweep_<start>/
    sweep.json            the command's options, and of each job its options and config
    mixture-tt_seed-0/    a run folder, as a single run makes it; `output.txt` is what the job printed
    shared/               stages that several jobs share, while the sweep goes on
    report.html           where sweep.report=true
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from unite.config.resumed import FINISHED
from unite.errors import CheckpointError, ConfigError, must_be
from unite.files import read_json, write_json

#: The record's name.
RECORD = "sweep.json"

#: The folder of the stages that several jobs share.
SHARED = "shared"

#: What changes neither the results of a job nor where it lies.
_FREE = (
    *("resume", "run_folder", "runs_root", "sweep.", "logger."),
    *("trainer.progress_bar", "trainer.log_every_n_steps", "data.num_workers"),
)
#: How many differences a message tells.
_TOLD = 6


class Status(StrEnum):
    """What became of a job, as far as its folder tells."""

    finished = "finished"
    broken_off = "broken off"
    left = "not started"


@dataclass(frozen=True)
class SweepJob:
    """One job of a sweep.

    Attributes:
        folder: its name in the sweep's folder.
        overrides: its options, as a single run's command takes them.
        differing: those that are not the same in all jobs.
        config: the resolved config, flat: full key -> value.
    """

    folder: str
    overrides: list[str]
    differing: dict[str, str]
    config: dict[str, Any]


@dataclass(frozen=True)
class Sweep:
    """A sweep's folder with its jobs.

    Attributes:
        folder: of the sweep.
        overrides: of the command that began it, swept values and all.
        jobs: in their order.
    """

    folder: Path
    overrides: list[str]
    jobs: list[SweepJob]

    @classmethod
    def read(cls, folder: str | Path) -> Sweep:
        """Reads the record of a sweep.

        Raises:
            DataError: if it cannot be read.
        """
        folder = Path(folder)
        record = read_json(folder / RECORD, "Without it the sweep cannot go on; begin another without resume=true.")
        jobs = [SweepJob(**{**job, "config": _merged(record["config"], job["config"])}) for job in record["jobs"]]
        return cls(folder, record["overrides"], jobs)

    def write(self) -> None:
        """Writes the record. A job's config is told by what is not as in the first's."""
        first = self.jobs[0].config if self.jobs else {}
        jobs = [{**asdict(job), "config": _changes(first, job.config)} for job in self.jobs]
        write_json(self.folder / RECORD, {"overrides": self.overrides, "config": first, "jobs": jobs})

    def path(self, job: SweepJob) -> Path:
        """The run folder of a job."""
        return self.folder / job.folder

    def status(self, job: SweepJob) -> Status:
        """Returns what became of a job."""
        folder = self.path(job)
        if (folder / FINISHED).is_file():
            return Status.finished
        return Status.broken_off if (folder / "overrides.json").is_file() else Status.left

    def score(self, job: SweepJob) -> float | None:
        """Returns the score of a finished job; None where it was not evaluated."""
        file = self.path(job) / "metrics.json"
        score = json.loads(file.read_text(encoding="utf-8")).get("score") if file.is_file() else None
        return float(score) if isinstance(score, int | float) else None

    def refuse_changes(self, now: Sweep) -> None:
        """Refuses to go on with jobs that are not those of the record.

        Raises:
            ConfigError: with the jobs that are new or gone, or the values that changed.
        """
        hint = "Go on with the options it was begun with, or begin another sweep without resume=true."
        ours, theirs = ({job.folder for job in sweep.jobs} for sweep in (self, now))
        if ours != theirs:
            new, gone = sorted(theirs - ours), sorted(ours - theirs)
            told = [f"{word} {_listed(names)}" for word, names in (("with", new), ("without", gone)) if names]
            raise ConfigError(must_be(f"the jobs of the resumed sweep {self.folder}", "those it was begun with", " and ".join(told), hint))
        before = {job.folder: job.config for job in self.jobs}
        changed: dict[str, list[str]] = {}
        for job in now.jobs:
            for key, value in _differences(before[job.folder], job.config).items():
                changed.setdefault(f"{key} was {value[0]!r} and is {value[1]!r}", []).append(job.folder)
        if changed:
            told = [f"{change} ({'all jobs' if len(of) == len(now.jobs) else _listed(of)})" for change, of in changed.items()]
            more = [f"and {len(told) - _TOLD} more"] if len(told) > _TOLD else []
            message = f"the config of the resumed sweep {self.folder} must be what it was begun with, but changed: "
            raise ConfigError(f"{message}{'; '.join(told[:_TOLD] + more)}. {hint}")


def run_folders(folder: str | Path) -> list[Path] | None:
    """Returns the folders of a sweep's finished jobs; None where the folder is no sweep's.

    Raises:
        CheckpointError: if it is a sweep of which no job is finished.
    """
    if not (Path(folder) / RECORD).is_file():
        return None
    sweep = Sweep.read(folder)
    finished = [sweep.path(job) for job in sweep.jobs if sweep.status(job) is Status.finished]
    if not finished:
        raise CheckpointError(must_be(f"the sweep {folder}", "one with a finished job", f"{len(sweep.jobs)} jobs, none finished"))
    return finished


def flat(config: Any, prefix: str = "") -> dict[str, Any]:
    """Returns a plain config flat: `{"trainer": {"max_steps": 5}}` as `{"trainer.max_steps": 5}`."""
    if not (isinstance(config, Mapping) and config):
        return {prefix: config}
    return {key: value for name, inner in config.items() for key, value in flat(inner, f"{prefix}.{name}" if prefix else str(name)).items()}


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    keys = [key for key in dict.fromkeys([*before, *now]) if not f"{key}.".startswith(_with_dots())]
    return {key: (before.get(key), now.get(key)) for key in keys if before.get(key) != now.get(key)}


def _with_dots() -> tuple[str, ...]:
    return tuple(f"{name.rstrip('.')}." for name in _FREE)


def _changes(first: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    changed = {key: value for key, value in own.items() if key not in first or first[key] != value}
    return {"changed": changed, "without": [key for key in first if key not in own]}


def _merged(first: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    without: Sequence[str] = own["without"]
    return {**{key: value for key, value in first.items() if key not in without}, **own["changed"]}


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"
