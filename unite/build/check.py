"""Everything that a run refuses before a weight is read; of a sweep, what each job would refuse, before the first starts.

What the config alone tells is in `unite.build.early`, and comes first.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

from omegaconf import OmegaConf

from unite.build.component import missing_keys
from unite.build.early import check_train
from unite.build.runs import suite_fits
from unite.build.suites import build_evaluation
from unite.build.train import build_stages, build_trainer
from unite.build.validation import build_held_out_suite
from unite.config.schema import TrainConfig
from unite.config.target import assemble
from unite.errors import ConfigError, UniteError, caught, gathered, must_be, raise_all
from unite.runs import RunFolder
from unite.training.stages import Stage, num_done

Evaluation = Callable[..., Any]


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
        check_train(config)
        assemble(OmegaConf.to_container(config, resolve=True, enum_to_str=True), "", dry=True)
        with TemporaryDirectory() as folder, _quiet():
            run = RunFolder(folder)
            stages = build_stages(config, run)
            trainers = trainer_faults(config, stages, run) if self.on_this_machine else ()
            raise_all([*trainers, *self._open(config, stages, overrides)])

    def _open(self, config: TrainConfig, stages: Sequence[Stage], overrides: Sequence[str]) -> Iterator[UniteError]:
        """Opens the data of the stages and of the suite; yields what is wrong with them."""
        stage_configs = {stage.name: stage for stage in (config.alignment, config.adaptation)}
        data = [_key(config.data, config.validation, stage_configs[stage.name].mixture, config.data_root) for stage in stages]
        for stage, key in zip(stages, data, strict=True):
            if key not in self._opened:
                yield from self._once(key, stage.mixture.check)
        suite = _key(config.suite, config.data_root, data)
        if config.evaluate and suite not in self._opened:
            held_out, fits = build_held_out_suite(config, stages), suite_fits(config, overrides)
            yield from self._once(suite, lambda: build_evaluation(config, held_out, fits))

    def _once(self, key: str, check: Callable[[], object]) -> list[UniteError]:
        """Returns what is wrong with what the key stands for; where it is nothing, it is not looked at again."""
        faults = caught(check)
        if not faults:
            self._opened.add(key)
        return faults


def check_stages(config: TrainConfig, stages: Sequence[Stage], run: RunFolder) -> Evaluation | None:
    """Opens the data of all stages that are left, tries their Trainers, and builds what is done at the end, before a weight is read.

    Returns:
        What evaluates the encoder at the end, as `build_evaluation`; None where nothing does.

    Raises:
        UniteError: with everything that is wrong.
    """
    evaluate: Evaluation | None = None
    faults = list(trainer_faults(config, stages, run))
    for stage in stages[num_done(stages, run) if config.resume else 0 :]:
        faults += caught(stage.mixture.check)
    if config.evaluate:
        with gathered(faults):
            evaluate = build_evaluation(config, build_held_out_suite(config, stages), suite_fits(config))
    raise_all(faults)
    return evaluate


def trainer_faults(config: TrainConfig, stages: Sequence[Stage], run: RunFolder) -> Iterator[UniteError]:
    """Yields what Lightning's Trainer refuses, and a batch that cannot be split over the processes."""
    for stage in stages:
        yield from caught(_check_trainer, config, stage, run)


def _check_trainer(config: TrainConfig, stage: Stage, run: RunFolder) -> None:
    num_ranks = build_trainer(config, stage, run, []).world_size
    if config.data.batch_size % num_ranks:
        raise ConfigError(must_be("data.batch_size", f"a multiple of the number of ranks ({num_ranks})", config.data.batch_size))


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
