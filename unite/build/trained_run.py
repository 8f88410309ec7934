"""What a run was trained on and what it held out, as its folder tells.

config.yaml        the sources of every stage, and how rows were held out
overrides.json     whether the command named a suite
provenance.json    the checksums of the shards, and which rows were held out
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from unite.build.runs import names_suite, overrides_now, suite_is_of_data
from unite.config.schema import EvaluateConfig, HeldOutConfig
from unite.config.target import assemble
from unite.data.held_out import HeldOut
from unite.data.source import SourceDataModule
from unite.errors import DataError, UniteError, must_be
from unite.evaluation.held_out_suite import held_out_suite
from unite.evaluation.suite import Suite
from unite.files import read_json
from unite.runs import CONFIG, RunFolder, read_config

log = logging.getLogger(__name__)

Sources = Mapping[str, SourceDataModule]


@dataclass(frozen=True)
class TrainedRun:
    """A run folder that `unite.train` made.

    Attributes:
        folder: of the run.
        config: its resolved config.
    """

    folder: Path
    config: Mapping[str, Any]

    @classmethod
    def of(cls, checkpoint: str | Path | None) -> TrainedRun | None:
        """Returns the run of a checkpoint, named by its folder or by the encoder in it; None where it is of none."""
        named = Path(checkpoint or "")
        for folder in (named, named.parent) if named.name == "encoder" else (named,):
            if checkpoint and (folder / CONFIG).is_file():
                config = read_config(folder)
                if {"alignment", "adaptation", "data"} <= config.keys():
                    return cls(folder, config)
        return None

    @property
    def held_out(self) -> HeldOutConfig | None:
        """How rows were held out; None where none were."""
        options = (self.config.get("validation") or {}).get("held_out")
        return None if options is None else HeldOutConfig(**options)

    @property
    def has_own_data(self) -> bool:
        """Whether its suite, that of the built-in world say, tells nothing of what it was trained on."""
        sources = (self.config["adaptation"].get("mixture") or {}).get("sources") or {}
        return not suite_is_of_data(self.config.get("suite"), sources, RunFolder.read_overrides(self.folder) or [])

    @cached_property
    def stages(self) -> dict[str, Sources]:
        """The sources of each stage that was trained, by name, divided as they were.

        Raises:
            DataError: if the data are gone, or have changed since.
        """
        stages: dict[str, Sources] = {}
        for key in ("alignment", "adaptation"):
            stage = self.config[key]
            if stage["max_steps"] > 0:
                nodes = stage["mixture"]["sources"].items()
                stages[stage["name"]] = {name: assemble(node, f"{key}.mixture.sources.{name}") for name, node in nodes}
        every = [source for sources in stages.values() for source in sources.values()]
        for source in every:
            source.prepare_data()
        self._check_unchanged("data", stages, lambda source: source.reader.checksum())
        if self.held_out is not None:
            HeldOut(self.held_out, every).divide()
            self._check_unchanged("held_out", stages, lambda source: source.held_out_fingerprint)
        return stages

    def held_out_suite(self) -> Suite:
        """Returns the rows that its last stage held out as the suite that it was evaluated on.

        Raises:
            DataError: if they cannot be found again.
        """
        back = self.held_out is not None and self.held_out.back
        try:
            return held_out_suite(list(self.stages.values())[-1], back=back, token_budget=self.config["data"]["token_budget"])
        except UniteError as error:
            hint = "Bring the data back, or name what to evaluate on: suite=pairs suite.shards=<folder>, suite=emoji, ..."
            raise DataError(f"the rows that the run {self.folder} held out cannot be found again: {error} {hint}") from error

    def _check_unchanged(self, what: str, stages: Mapping[str, Sources], now: Callable[[SourceDataModule], str]) -> None:
        """Compares with the run's record; one of an earlier version may lack it."""
        file = self.folder / "provenance.json"
        noted = read_json(file).get(what, {}) if file.is_file() else {}
        for stage, sources in stages.items():
            for name, source in sources.items():
                before, after = noted.get(stage, {}).get(name), now(source)
                if before not in (None, after):
                    hint = f"{file} tells what they were."
                    shards = f"the {'shards' if what == 'data' else 'held-out rows'} of source {name} ({source.shards})"
                    raise DataError(must_be(shards, f"those of {before[:12]}...", f"others, of {after[:12]}...", hint))


def trained_before(init_from: str | None) -> Iterator[tuple[Path, Sources]]:
    """Yields the folder of every run that the weights come from, the last one first, and the sources of each of its stages.

    A run whose data are gone is passed by, and that is said.
    """
    seen: set[Path] = set()
    while (run := TrainedRun.of(init_from)) is not None and run.folder.resolve() not in seen:
        seen.add(run.folder.resolve())
        try:
            yield from [(run.folder, sources) for sources in run.stages.values()]
        except UniteError as error:
            log.warning("whether %s was trained on what is validated on now cannot be told: %s", run.folder, error)
        init_from = run.config.get("init_from")


def build_trained_held_out(config: EvaluateConfig) -> Callable[[], Suite] | None:
    """Returns what gives the rows that the checkpoint's run held out, where they are what it was evaluated on and no suite is named."""
    run = TrainedRun.of(config.checkpoint)
    if run is None or not run.has_own_data or names_suite(overrides_now()):
        return None
    if run.held_out is None:
        if config.suite is not None:
            hint = "suite=pairs suite.shards=<folder> evaluates on data of one's own"
            log.warning("the mixture of %s has no rows of the world of suite %s; %s.", run.folder, config.suite.name, hint)
        return None
    suite = run.held_out_suite()
    return lambda: suite
