"""Run folders, read: what made a run, what it reached, and which runs are seeds of one training recipe."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from unite.errors import CheckpointError, ConfigError, must_be
from unite.evaluation.failures_file import FAILURES_SUFFIX, TaskFailures, read_failures
from unite.evaluation.results import SuiteResult, read_suites
from unite.files import read_json, read_yaml
from unite.runs import read_config

log = logging.getLogger(__name__)

#: What may differ between runs of one training recipe: the seed, that of the random checkpoint, and what changes nothing of the weights
#: and of what is compared.
NOT_COMPARED = (
    "seed",
    "encoder.checkpoint.seed",
    "name",
    "run_folder",
    "runs_root",
    "resume",
    "evaluate",
    "suite.diagnose",
    "logger",
    "sweep",
    "plan",
    "feature_cache",
    "data.num_workers",
    "trainer.progress_bar",
    "trainer.log_",
    "trainer.health_every_n_steps",
    "trainer.checkpoint_every_",
    "trainer.keep_last",
    "trainer.timeout_minutes",
    "trainer.lost_after_seconds",
)
#: What tells seeds apart in the names of runs: `seed` with its number, in any place, or a number at the end.
_NUMBER_OF_SEED = re.compile(r"[_= -]*seed[_= -]*\d+|[_= -]*\d+$")


@dataclass(frozen=True, eq=False)
class Run:
    """One evaluated run.

    Attributes:
        name: as the page calls it.
        folder: where its results were read.
        config: resolved, of the training run (of a resumed one the newer); of the evaluation where the training run's folder is not there.
        provenance: versions and data fingerprints, as far as recorded.
        choices: the options that Hydra composed it from, group -> name.
        suites: by name, in the order of its metrics.
        failures: suite -> task -> the worst failures.
        trained: the folder of the training run; `folder` where that is not there.
    """

    name: str
    folder: Path
    config: Mapping[str, Any]
    provenance: Mapping[str, Any]
    choices: Mapping[str, str]
    suites: Mapping[str, SuiteResult]
    failures: Mapping[str, Mapping[str, TaskFailures]]
    trained: Path

    @property
    def seed(self) -> Any:
        """The seed it was trained with, None where it is not known."""
        return self.config.get("seed")

    @cached_property
    def settings(self) -> dict[str, str]:
        """The config flat, `optimizer.lr` -> `0.0015`."""
        return dict(flat(self.config))

    @cached_property
    def training_recipe(self) -> str:
        """How it was trained, as text: the same for runs that differ in nothing but the seed."""
        kept = {key: value for key, value in self.settings.items() if not key.startswith(NOT_COMPARED)}
        start = self.config.get("init_from")
        if start and (Path(start) / "config.yaml").is_file():  # a stage that starts from another: their seeds may differ too
            kept["init_from"] = read_run(Path(start), "").training_recipe
        return json.dumps([kept, self.provenance.get("data")], sort_keys=True)

    def facts(self) -> dict[str, str]:
        """Returns what a reader asks first, name -> value; `-` where it was not recorded."""
        stages = {"adaptation": self.config.get("adaptation"), "alignment": self.config.get("alignment")}
        steps = {name: stage.get("max_steps", 0) for name, stage in stages.items() if isinstance(stage, dict)}
        objective = self.config.get("objective") or {}
        data = json.dumps(self.provenance.get("data"), sort_keys=True)
        found = {
            "experiment": self.choices.get("experiment") or self.config.get("name"),
            "mixture": self.choices.get("mixture") or ", ".join((self.config.get("mixture") or {}).get("sources") or {}),
            "objective": str(objective.get("_target_", "")).rpartition(".")[2] + _temperature(objective),
            "steps": " + ".join(f"{steps[name]} {name}" for name in ("alignment", "adaptation") if steps.get(name)),
            "seed": self.seed,
            "starts from": self.config.get("init_from") or self.config.get("checkpoint"),
            "data": sha256(data.encode()).hexdigest()[:12] if self.provenance.get("data") else "",
            "code": str(self.provenance.get("git_commit") or "")[:12],
            "folder": str(self.folder),
        }
        return {name: "-" if value in (None, "") else str(value) for name, value in found.items()}


@dataclass(frozen=True, eq=False)
class TrainingRecipe:
    """Runs that differ in the seed alone, or a single run.

    Attributes:
        name: of the run, or what the names of its runs have in common.
        runs: at least one.
    """

    name: str
    runs: tuple[Run, ...] = field(default=())


def load_runs(arguments: Sequence[str]) -> list[Run]:
    """Reads run folders, each given as a folder or as `name=folder`. One that was not evaluated is left out, which is said.

    Raises:
        CheckpointError: if a folder is no run, or none of them holds an evaluation.
        ConfigError: if two runs have one name.
        DataError: if a file in them cannot be read.
    """
    runs = []
    for argument in arguments:
        name, sign, folder = ("", "", argument) if Path(argument).is_dir() else argument.partition("=")
        runs.append(read_run(Path(folder if sign else argument), name if sign else ""))
    names = [run.name for run in runs]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        folders = ", ".join(str(run.folder) for run in runs if run.name in twice)
        hint = f"Name them on the command line, as in first={runs[0].folder}."
        raise ConfigError(must_be("the names of the runs", "distinct", f"{sorted(twice)[0]} more than once ({folders})", hint))
    for run in runs:
        if not run.suites:
            hint = f"Evaluate it: python -m unite.evaluate \"checkpoint='{run.folder}'\", and compare the folder that this makes."
            message = must_be(f"run {run.folder}", "evaluated", "a folder without metrics.json", hint)
            if not any(other.suites for other in runs):
                raise CheckpointError(message)
            log.warning("left out: %s", message)
    return [run for run in runs if run.suites]


def group_runs(runs: Sequence[Run]) -> tuple[list[TrainingRecipe], list[str]]:
    """Puts the seeds of one training recipe together, in the order of the first run of each.

    Returns:
        The recipes, and notes on what may surprise.
    """
    groups: dict[str, list[Run]] = {}
    notes = []
    for run in runs:
        same = groups.setdefault(run.training_recipe, [])
        if any(other.seed == run.seed for other in same):  # a repetition is no other seed
            notes.append(f"{run.name} and {same[0].name} have one config and one seed ({run.seed}): they stand apart.")
            same = groups.setdefault(f"{run.training_recipe} {run.name}", [])
        same.append(run)
    recipes: list[TrainingRecipe] = []
    for group in groups.values():
        name = _common_name(group)
        if any(name in (recipe.name, *(run.name for run in recipe.runs)) for recipe in recipes):
            name = f"{name} ({group[0].name})"
        recipes.append(TrainingRecipe(name, tuple(group)))
    return recipes, notes


def read_run(folder: Path, name: str = "", *, with_failures: bool = True) -> Run:
    """Reads the folder of a run, evaluated or not.

    Args:
        folder: that `unite.train` or `unite.evaluate` made.
        name: what to call it; that of the folder where it is empty.
        with_failures: whether to read the failures too, most of what there is to read.

    Raises:
        CheckpointError: if the folder is no run.
        DataError: if a file in it cannot be read.
    """
    if not (folder / "config.yaml").is_file():
        actual = "a folder without config.yaml" if folder.is_dir() else "no folder"
        hint = "Give the folder that unite.train or unite.evaluate made."
        raise CheckpointError(must_be(str(folder), "a run folder", actual, hint))
    config = read_config(folder)
    source = folder
    if config.get("checkpoint"):  # an evaluation: what made the weights is told by the training run
        trained = Path(config["checkpoint"])
        source = next((place for place in (trained, trained.parent) if (place / "config.yaml").is_file()), folder)
        config = read_config(source)
    provenance, hydra = source / "provenance.json", source / "hydra" / "hydra.yaml"
    choices = (read_yaml(hydra).get("hydra", {}).get("runtime", {}).get("choices") or {}) if hydra.is_file() else {}
    suites = read_suites(folder)
    return Run(
        name=name or folder.resolve().name,
        folder=folder,
        config=config,
        provenance=read_json(provenance) if provenance.is_file() else {},
        choices=choices,
        suites=suites,
        failures={suite: read_failures(folder / f"{suite}{FAILURES_SUFFIX}") for suite in suites if with_failures},
        trained=source,
    )


def _common_name(runs: Sequence[Run]) -> str:
    if len(runs) == 1:
        return runs[0].name
    names = [run.name for run in runs]
    stems = {_NUMBER_OF_SEED.sub("", name).strip("_=- ") for name in names}
    if len(stems) == 1 and (stem := stems.pop()):
        return stem
    joined = ", ".join(names)
    return joined if len(joined) <= 30 else f"{runs[0].config.get('name') or names[0]}, {len(names)} seeds"


def flat(value: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Returns a nested config as (full name, value) pairs."""
    if isinstance(value, dict) and value:
        return [pair for key, inner in value.items() for pair in flat(inner, f"{prefix}.{key}" if prefix else str(key))]
    return [(prefix, str(value))]


def _temperature(objective: Mapping[str, Any]) -> str:
    return f", temperature {objective['temperature']}" if "temperature" in objective else ""
