"""What an encoder is evaluated on: suites of tasks, or a suite of another class that brings its own `evaluate`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from unite.build.component import build
from unite.config.schema import EvaluateConfig, SuiteConfig, TrainConfig
from unite.data.source import World
from unite.evaluation.evaluate import Evaluation, evaluate
from unite.evaluation.mteb_suite import MtebEvaluation
from unite.evaluation.suite import Suite


def build_evaluation(config: TrainConfig | EvaluateConfig) -> Callable[..., Evaluation | MtebEvaluation] | None:
    """Builds what is done with an encoder at the end: `(encoder, folder=, console=, cache=)` -> metrics and a score; None without a suite.

    A suite that is of another class than ours, mteb's say, brings its own `evaluate`.
    """
    if config.suite is None:
        return None
    if config.suite._target_ != SuiteConfig._target_:
        return cast("Callable[..., MtebEvaluation]", build(config.suite).evaluate)
    return partial(evaluate, suites=build_suites(config))


def build_suites(config: TrainConfig | EvaluateConfig) -> list[Suite]:
    """Builds the suite, and after it the same tasks over training data if it has them. Builds their world first."""
    suite = config.suite
    root = suite.data_root
    if suite.world is not None:
        world: World = build(suite.world)
        world.prepare()
        root = str(world.folder)
    shared = {"data_root": root, "decoding": build(suite.decoding), "token_budget": suite.token_budget}
    suites = [Suite(suite.name, _build_tasks(suite.tasks), groups=dict(suite.groups), diagnose=suite.diagnose, **shared)]
    return [*suites, Suite(f"{suite.name}_held_in", _build_tasks(suite.held_in), **shared)] if suite.held_in else suites


def _build_tasks(tasks: Any) -> dict[str, Any]:
    """Returns the tasks of a suite: folders as they are, layouts built."""
    return {name: task if isinstance(task, str) else build(task) for name, task in tasks.items()}
