"""What a model is looked at by while it trains: rows held out of its mixture, or a suite.

A score tells which weights are best; it is that of the suite, for held-out rows the mean recall@1 over the sources.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import numpy as np
import torch
from torch import nn

from unite.config.schema.validation import HeldOutConfig
from unite.data.mixture import MixtureDataModule
from unite.embedding.embed import Encoder
from unite.embedding.memory import MemoryCache
from unite.embedding.sharing import embed_sharded
from unite.errors import DataError
from unite.evaluation.held_out_suite import held_out_suite
from unite.evaluation.layouts.source import MissingTaskError
from unite.evaluation.results import SuiteResult
from unite.evaluation.suite import Suite
from unite.evaluation.tasks import RetrievalTask
from unite.training.held_out_loss import HeldOutLoss

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Validated:
    """What was found.

    Attributes:
        metrics: by their keys in the log under `validation/`: `loss`, `loss/<pair>`, `<pair>/recall@1`, `task/<name>/recall@1`.
        score: the higher, the better.
    """

    metrics: dict[str, float]
    score: float


class Validator(Protocol):
    """Looks at an encoder."""

    def prepare(self) -> None:
        """Reads what it looks by, before the stage is trained; raises what is wrong with it."""
        ...

    def __call__(self, encoder: Encoder, objective: nn.Module, device: torch.device) -> Validated:
        """Returns what was found; all ranks must call it, and are given the same."""
        ...


class HeldOutValidator:
    """Looks by the rows that a mixture holds out.

    Args:
        config: how they were held out.
        mixture: the stage's.
    """

    def __init__(self, config: HeldOutConfig, mixture: MixtureDataModule) -> None:
        self.config = config
        self.mixture = mixture
        self._suite: Suite | None = None
        self._loss: HeldOutLoss | None = None

    def prepare(self) -> None:
        """As of `Validator`."""
        self._loss = HeldOutLoss(self.mixture.sources, self.mixture.held_out_order())
        self._suite = self.suite()

    def suite(self) -> Suite:
        """Returns the rows as a suite, `held_out`."""
        if self._suite is None:
            self.mixture.check()
            self._suite = held_out_suite(self.mixture.sources, back=self.config.back, token_budget=self.mixture.token_budget)
        return self._suite

    def __call__(self, encoder: Encoder, objective: nn.Module, device: torch.device) -> Validated:
        """As of `Validator`."""
        if self._loss is None:
            raise DataError("the validation was not prepared.")
        cache = MemoryCache()
        result = self.suite().run(encoder, cache=cache, embed=embed_sharded, told=False)
        embed = partial(embed_sharded, encoder, token_budget=self.mixture.token_budget, cache=cache)
        return Validated(self._loss(embed, objective, device) | log_values(result), result.score.value)


class SuiteValidator:
    """Looks by the tasks of a suite.

    Args:
        build: gives the suite.
        check: refuses one that holds what is trained on.
    """

    def __init__(self, build: Callable[[], Suite], check: Callable[[Suite], None]) -> None:
        self._build = build
        self._check = check
        self._suite: Suite | None = None

    def prepare(self) -> None:
        """As of `Validator`. A task that is not on disk is told and left out.

        Raises:
            DataError: if none is.
            ConfigError: if what the suite holds is trained on.
        """
        suite = self._build()
        suite.check()
        tasks: dict[str, RetrievalTask] = {}
        for name in suite.tasks:
            try:
                tasks[name] = suite.load(name)
            except MissingTaskError as error:
                log.warning("%s/%s is not validated on: %s", suite.name, name, error)
        self._suite = Suite(replace(suite.config, tasks=tasks, held_in={}, groups={}, diagnose=False))
        self._check(self._suite)

    def __call__(self, encoder: Encoder, objective: nn.Module, device: torch.device) -> Validated:
        """As of `Validator`."""
        if self._suite is None:
            raise DataError("the validation was not prepared.")
        result = self._suite.run(encoder, embed=embed_sharded, told=False)
        return Validated(log_values(result), result.score.value)


def log_values(result: SuiteResult) -> dict[str, float]:
    """Returns the metrics that have a k of each task, `task/<name>/recall@1`, and their means by pair, `text-to-image/recall@1`."""
    found: dict[str, float] = {}
    by_pair: dict[str, list[float]] = {}
    for name, task in result.tasks.items():
        for metric, value in task.metrics.items():
            if "@" in metric:
                found[f"task/{name}/{metric}"] = value
                if task.kind == "pair":
                    by_pair.setdefault(f"{task.pair.replace('->', '-to-')}/{metric}", []).append(value)
    return found | {key: float(np.mean(values)) for key, values in by_pair.items()}
