"""What an encoder is evaluated on: suites of tasks, or a suite of another class that brings its own `evaluate`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from unite.build.component import build
from unite.checkpoints import find_checkpoint
from unite.config.schema import EvaluateConfig, SuiteConfig, TrainConfig
from unite.data.source import World
from unite.evaluation.evaluate import Evaluation, evaluate
from unite.evaluation.mteb_results import MtebEvaluation
from unite.evaluation.mteb_suite import MtebSuite
from unite.evaluation.suite import Suite

log = logging.getLogger(__name__)


def build_evaluation(
    config: TrainConfig | EvaluateConfig, held_out: Callable[[], Suite] | None = None, fits: bool = True
) -> Callable[..., Evaluation | MtebEvaluation] | None:
    """Builds what is done with an encoder at the end: `(encoder, folder=, console=, cache=)` -> metrics and a score; None without a suite.

    A suite that is of another class than ours, mteb's or that of pairs, brings its own `evaluate`.

    Args:
        config: of the command.
        held_out: gives the rows that training held out, which stand in where there is no suite, or none that fits.
        fits: whether the suite is one for what was trained.

    Raises:
        DataError: if none of a suite's tasks is on disk: told now, not when an encoder has been trained.
    """
    if (config.suite is None or not fits) and held_out is not None:
        log.info("the run is evaluated on its held-out rows%s", ": its mixture has none of the suite's world" if config.suite else "")
        return lambda encoder, **given: evaluate(encoder, [held_out()], **given)
    if config.suite is None:
        return None
    if not fits:
        name = config.suite.name
        hint = "validation=held_out evaluates on rows held out of it, suite=pairs on shards of your own"
        log.warning(
            "the run is not evaluated: its mixture has no rows of the world of suite %s. %s, suite=%s all the same.", name, hint, name
        )
        return None
    if config.suite._target_ != SuiteConfig._target_:
        other = build(config.suite, "suite")
        if isinstance(other, MtebSuite):
            name = getattr(config, "checkpoint", None)  # a training evaluates what its own run exported
            return partial(other.evaluate, checkpoint=find_checkpoint(name) if name else config.run_folder)
        return cast("Callable[..., MtebEvaluation]", other.evaluate)
    suites = build_suites(config)
    suites[0].check()
    return partial(evaluate, suites=suites)


def build_suites(config: TrainConfig | EvaluateConfig) -> list[Suite]:
    """Builds the suite, and after it the same tasks over training data if it has them. Builds their world first."""
    suite: Suite = build_suite(config.suite, "suite")
    held_in = suite.held_in()
    return [suite, held_in] if held_in else [suite]


def build_suite(config: Any, path: str) -> Any:
    """Builds a suite of any class, after its world if it has one.

    Args:
        config: of the suite.
        path: of it in the whole config, for messages.
    """
    if config._target_ != SuiteConfig._target_:
        return build(config, path)
    data_root = config.data_root
    if config.world is not None:
        world: World = build(config.world, f"{path}.world")
        world.prepare()
        data_root = str(world.folder)
    return build(config, path, data_root=data_root, world=None)
