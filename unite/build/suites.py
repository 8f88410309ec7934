"""What an encoder is evaluated on: suites of tasks, or a suite of another class that brings its own `evaluate`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

from unite.build.component import build
from unite.config.schema import EvaluateConfig, SuiteConfig, TrainConfig
from unite.data.source import World
from unite.evaluation.evaluate import Evaluation, evaluate
from unite.evaluation.mteb_suite import MtebEvaluation
from unite.evaluation.suite import Suite


def build_evaluation(config: TrainConfig | EvaluateConfig) -> Callable[..., Evaluation | MtebEvaluation] | None:
    """Builds what is done with an encoder at the end: `(encoder, folder=, console=, cache=)` -> metrics and a score; None without a suite.

    A suite that is of another class than ours, mteb's or that of pairs, brings its own `evaluate`.

    Raises:
        DataError: if none of a suite's tasks is on disk: told now, not when an encoder has been trained.
    """
    if config.suite is None:
        return None
    if config.suite._target_ != SuiteConfig._target_:
        return cast("Callable[..., MtebEvaluation]", build(config.suite, "suite").evaluate)
    suites = build_suites(config)
    suites[0].check()
    return partial(evaluate, suites=suites)


def build_suites(config: TrainConfig | EvaluateConfig) -> list[Suite]:
    """Builds the suite, and after it the same tasks over training data if it has them. Builds their world first."""
    data_root = config.suite.data_root
    if config.suite.world is not None:
        world: World = build(config.suite.world, "suite.world")
        world.prepare()
        data_root = str(world.folder)
    suite: Suite = build(config.suite, "suite", data_root=data_root, world=None)
    held_in = suite.held_in()
    return [suite, held_in] if held_in else [suite]
