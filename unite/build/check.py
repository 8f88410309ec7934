"""Everything that a single run refuses before it costs time, without beginning one: of each job of a sweep, before the first starts."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

from omegaconf import OmegaConf

from unite.build.component import missing_keys
from unite.build.runs import suite_fits
from unite.build.suites import build_evaluation
from unite.build.train import build_stages, build_trainer
from unite.build.validation import build_held_out_suite
from unite.config.schema import TrainConfig
from unite.config.schema.sweep import Keep
from unite.config.target import assemble
from unite.errors import ConfigError, must_be
from unite.runs import RunFolder, find_checkpoint
from unite.training.stages import Stage


class Checks:
    """Checks one job after the other; what jobs have in common, data and suites, is opened once.

    Args:
        on_this_machine: whether the jobs run here, so that what Lightning's Trainer says of devices holds.
    """

    def __init__(self, on_this_machine: bool) -> None:
        self.on_this_machine = on_this_machine
        self._opened: set[str] = set()

    def __call__(self, config: TrainConfig, overrides: Sequence[str]) -> None:
        """Checks a job.

        Raises:
            UniteError: as the run would.
        """
        if missing := missing_keys(config):
            raise ConfigError(must_be(", ".join(missing), "given", "missing"))
        if config.sweep.num_parallel < 1:
            raise ConfigError(must_be("sweep.num_parallel", "at least 1", config.sweep.num_parallel))
        if config.sweep.keep is Keep.best and not config.validation.every_n_steps:
            hint = "Choose validation=held_out or validation=suite."
            raise ConfigError(must_be("sweep.keep", "last or none where nothing is validated", "best", hint))
        assemble(OmegaConf.to_container(config, resolve=True, enum_to_str=True), "", dry=True)
        self._check_start(config)
        with TemporaryDirectory() as folder, _quiet():
            run = RunFolder(folder)
            stages = build_stages(config, run)
            if not stages:
                hint = "Give alignment.max_steps or trainer.max_steps a number above 0."
                raise ConfigError(must_be("the number of stages", "at least 1", 0, hint))
            if self.on_this_machine:
                for stage in stages:
                    build_trainer(config, stage, run, [])
            self._open(config, stages, overrides)

    def _check_start(self, config: TrainConfig) -> None:
        if not 0 <= config.seed < 2**32:
            raise ConfigError(must_be("seed", f"from 0 to {2**32 - 1}", config.seed))
        if config.init_from is not None:
            find_checkpoint(config.init_from, "init_from")
        elif config.encoder.checkpoint is None:
            find_checkpoint(config.encoder.path, "encoder.path")
        if config.encoder.base is not None:
            find_checkpoint(config.encoder.base, "encoder.base")

    def _open(self, config: TrainConfig, stages: Sequence[Stage], overrides: Sequence[str]) -> None:
        """Opens the data of the stages and of the suite."""
        stage_configs = {stage.name: stage for stage in (config.alignment, config.adaptation)}
        data = [_key(config.data, config.validation, stage_configs[stage.name].mixture, config.data_root) for stage in stages]
        for stage, key in zip(stages, data, strict=True):
            if key not in self._opened:
                stage.mixture.check()
                self._opened.add(key)
        suite = _key(config.suite, config.data_root, data)
        if config.evaluate and suite not in self._opened:
            build_evaluation(config, build_held_out_suite(config, stages), suite_fits(config, overrides))
            self._opened.add(suite)


def _key(*parts: Any) -> str:
    plain = [OmegaConf.to_container(part, resolve=True, enum_to_str=True) if OmegaConf.is_config(part) else part for part in parts]
    return json.dumps(plain, sort_keys=True, default=str)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps back what a run says of itself; what is built is said."""
    log = logging.getLogger("unite.build")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)
