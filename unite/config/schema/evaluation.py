"""`python -m unite.evaluate`, and the suite that training ends with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from unite.config.schema.data import WorldConfig
from unite.config.schema.media import Decoding


@dataclass
class SuiteConfig:
    """Evaluation tasks, name to a task folder or to the layout of a benchmark (see `unite.evaluation.layouts`).

    `held_in`: the same over training data. `groups`: name to tasks that have a mean of their own. Folders are relative to `data_root`, or
    to the world's. `diagnose` looks behind the recall (see `unite.evaluation.diagnosis`).
    """

    _target_: str = "unite.evaluation.suite.Suite"
    name: str = MISSING
    tasks: dict[str, Any] = field(default_factory=dict)
    held_in: dict[str, Any] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    data_root: str = "${data_root}"
    decoding: Decoding = field(default_factory=Decoding)
    token_budget: int = 16384
    world: Any = None
    diagnose: bool = False


@dataclass
class MtebSuiteConfig:
    """Tasks and benchmarks of mteb, by name. See `unite.evaluation.mteb_suite.MtebSuite`."""

    _target_: str = "unite.evaluation.mteb_suite.MtebSuite"
    name: str = "mteb"
    tasks: list[str] = field(default_factory=list)
    languages: list[str] | None = None
    instructions: bool = True
    decoding: Decoding = field(default_factory=Decoding)
    token_budget: int = 16384


@dataclass
class EvaluateConfig:
    """`python -m unite.evaluate`. `checkpoint` is a run folder, an exported encoder's folder or a hub name.

    `cache` keeps embeddings for the next evaluation of the same encoder; null keeps none.
    """

    name: str = "evaluate"
    checkpoint: str = MISSING
    data_root: str = "data"
    runs_root: str = "runs"
    run_folder: str = "${run_folder:${runs_root},${name},false}"
    world: WorldConfig = field(default_factory=WorldConfig)
    encoder: Any = None
    suite: Any = None
    device: str = "auto"
    cache: str | None = "${data_root}/embeddings"
