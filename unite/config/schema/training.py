"""`python -m unite.train`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from omegaconf import MISSING

from unite.config.schema.data import DataConfig, MixtureConfig, WorldConfig


@dataclass
class StageConfig:
    """A stage of training: data, objective, optimizer, length. A stage of 0 steps is left out.

    The adaptation stage takes the run's own groups by interpolation (`mixture: ${mixture}`), hence no narrower types here.
    """

    name: str = MISSING
    mixture: Any = None
    objective: Any = None
    optimizer: Any = None
    max_steps: int = 0


@dataclass
class TrainerConfig:
    """Where and how long training runs. `options` goes to Lightning's Trainer as it is."""

    max_steps: int = 2000
    accelerator: str = "auto"
    devices: int | str = 1
    num_nodes: int = 1
    strategy: str = "auto"
    precision: str = "32-true"
    graph_tokens: int = 1_000_000
    log_every_n_steps: int = 10
    checkpoint_every_n_steps: int = 200
    progress_bar: bool = True
    log_sample_keys: bool = False
    options: dict[str, Any] = field(default_factory=dict)


class WandbMode(Enum):
    """`offline` needs no account and writes into the run folder; `wandb sync` uploads it later."""

    offline = "offline"
    online = "online"
    disabled = "disabled"


@dataclass
class LoggerConfig:
    """CSV always works; W&B runs offline unless told otherwise."""

    csv: bool = True
    wandb: WandbMode = WandbMode.offline
    project: str = "unite"
    entity: str | None = None
    group: str | None = None
    tags: list[str] = field(default_factory=list)


@dataclass
class TrainConfig:
    """`python -m unite.train`."""

    name: str = "train"
    seed: int = 0
    data_root: str = "data"
    runs_root: str = "runs"
    run_folder: str = "${run_folder:${runs_root},${name},${resume}}"
    resume: bool = False
    init_from: str | None = None
    evaluate: bool = True
    world: WorldConfig = field(default_factory=WorldConfig)
    encoder: Any = MISSING
    mixture: MixtureConfig = field(default_factory=MixtureConfig)
    data: DataConfig = field(default_factory=DataConfig)
    objective: Any = MISSING
    optimizer: Any = MISSING
    alignment: StageConfig = field(default_factory=StageConfig)
    adaptation: StageConfig = field(default_factory=StageConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    logger: LoggerConfig = field(default_factory=LoggerConfig)
    suite: Any = None
