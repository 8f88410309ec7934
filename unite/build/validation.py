"""What a run is validated on while it trains: rows held out of its own data, or a suite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from omegaconf import OmegaConf

from unite.build.early_training import validation_faults
from unite.build.suites import build_suite
from unite.build.trained_run import trained_before
from unite.config.schema import TrainConfig
from unite.config.schema.validation import HeldOutConfig
from unite.config.target import find_target
from unite.data.held_out import HeldOut
from unite.data.mixture import MixtureDataModule
from unite.data.source import SourceDataModule
from unite.errors import ConfigError, must_be, raise_all
from unite.evaluation.leaks import refuse_rows_seen, refuse_trained_pairs
from unite.evaluation.pairs_suite import PairsSuite
from unite.evaluation.suite import Suite
from unite.runs import RunFolder
from unite.sweeps.pruning import Pruner
from unite.training.stages import Stage
from unite.training.validation import Validation
from unite.training.validator import HeldOutValidator, SuiteValidator, Validator


def check_validation(config: TrainConfig) -> None:
    """Refuses a validation on nothing or by what gives no score, and an export of what is best by no validation.

    Raises:
        ConfigError: in these cases.
    """
    raise_all(validation_faults(config))
    given = config.validation
    if given.every_n_steps and given.suite is not None:
        kind = find_target(given.suite._target_, "validation.suite._target_")
        if not (isinstance(kind, type) and issubclass(kind, Suite | PairsSuite)):
            hint = "suite=pairs takes shards of your own; suite=emoji is built in."
            raise ConfigError(must_be("validation.suite", "a suite of retrieval tasks, which has a score", given.suite._target_, hint))


def hold_out(config: TrainConfig, mixtures: Sequence[MixtureDataModule]) -> None:
    """Has the mixtures of all stages leave out the same rows, if any are held out.

    Raises:
        ConfigError: if the run whose weights this one starts from was trained on them.
    """
    held_out = _held_out_config(config)
    if held_out is None:
        return
    division = HeldOut(held_out, [source for mixture in mixtures for source in mixture.sources.values()])
    for mixture in mixtures:
        mixture.held_out = division
    for folder, sources in trained_before(config.init_from):
        division.divide()
        refuse_rows_seen(division.sources, list(sources.values()), str(folder))


def build_validation(config: TrainConfig, mixtures: Sequence[MixtureDataModule], run: RunFolder) -> Validation | None:
    """Builds the validation of the adaptation stage; None where there is none.

    Args:
        config: of the run.
        mixtures: of all stages, that of the adaptation last.
        run: gets the best weights.
    """
    validation, held_out = config.validation, _held_out_config(config)
    if not validation.every_n_steps:
        return None
    validator: Validator
    if held_out is not None:
        validator = HeldOutValidator(held_out, mixtures[-1])
    else:
        trained_on = [source for mixture in mixtures for source in mixture.sources.values()]
        validator = SuiteValidator(lambda: _suite(config), lambda suite: _refuse_trained_pairs(suite, trained_on, config.init_from))
    return Validation(validator, validation.every_n_steps, validation.patience, run.best(config.adaptation.name), _pruner(config, run))


def _pruner(config: TrainConfig, run: RunFolder) -> Pruner | None:
    sweep = config.sweep
    return None if sweep.trial is None or sweep.folder is None else Pruner(Path(sweep.folder), sweep.trial, run.path)


def build_held_out_suite(config: TrainConfig, stages: Sequence[Stage]) -> Callable[[], Suite] | None:
    """Returns what gives the held-out rows of the last stage as a suite; None where nothing is held out."""
    held_out = _held_out_config(config)
    return None if held_out is None or not stages else HeldOutValidator(held_out, stages[-1].mixture).suite


def _refuse_trained_pairs(suite: Suite, sources: Sequence[SourceDataModule], init_from: str | None) -> None:
    """Refuses a suite of what is trained on, by this run or by those that its weights come from."""
    refuse_trained_pairs(suite, sources)
    for folder, seen in trained_before(init_from):
        refuse_trained_pairs(suite, list(seen.values()), str(folder))


def _held_out_config(config: TrainConfig) -> HeldOutConfig | None:
    held_out = config.validation.held_out
    return None if held_out is None else OmegaConf.to_object(held_out)  # type: ignore[return-value]


def _suite(config: TrainConfig) -> Suite:
    built: Suite | PairsSuite = build_suite(config.validation.suite, "validation.suite")
    return built.suite if isinstance(built, PairsSuite) else built
