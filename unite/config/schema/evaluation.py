"""`python -m unite.evaluate`, and the suite that training ends with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from unite.config.schema.data import DecodingConfig, WorldConfig


@dataclass
class SuiteConfig:
    """Evaluation tasks, name to folder; `held_in`: the same over training data. Folders are relative to `data_root`, or to the world's."""

    _target_: str = "unite.evaluation.suite.Suite"
    name: str = MISSING
    tasks: dict[str, str] = field(default_factory=dict)
    held_in: dict[str, str] = field(default_factory=dict)
    data_root: str = "${data_root}"
    decoding: DecodingConfig = field(default_factory=DecodingConfig)
    token_budget: int = 16384
    world: Any = None


@dataclass
class EvaluateConfig:
    """`python -m unite.evaluate`. `checkpoint` is a run folder, an exported encoder's folder or a hub name."""

    name: str = "evaluate"
    checkpoint: str = MISSING
    data_root: str = "data"
    runs_root: str = "runs"
    run_folder: str = "${run_folder:${runs_root},${name},false}"
    world: WorldConfig = field(default_factory=WorldConfig)
    encoder: Any = None
    suite: SuiteConfig | None = None
    device: str = "auto"
