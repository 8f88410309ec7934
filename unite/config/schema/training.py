"""`python -m unite.train`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from unite.config.schema.data import DataConfig, MixtureConfig
from unite.config.schema.features import FeatureCacheConfig
from unite.config.schema.plan import PlanConfig
from unite.config.schema.sweep import SweepConfig
from unite.config.schema.validation import Export, ValidationConfig
from unite.config.schema.world import WorldConfig
from unite.errors import ConfigError, must_be


@dataclass(kw_only=True)
class StageConfig:
    """A stage of training.

    The adaptation stage takes the run's own groups by interpolation (`mixture: ${mixture}`), hence no narrower types here.

    Attributes:
        name: of its checkpoints and its part of the log.
        mixture: the data.
        objective: the loss.
        optimizer: the optimizer and its schedule.
        max_steps: its length; a stage of 0 steps is left out.
        frozen: parts or names that are not trained in this stage, beside those of `encoder.frozen`: a projector comes first, say, with
            `[language]` here, and the language model in the next stage.
    """

    name: str
    mixture: Any = None
    objective: Any = None
    optimizer: Any = None
    max_steps: int = 0
    frozen: list[str] = field(default_factory=list)


class FeaturesBeyond(StrEnum):
    """What becomes of features of a frozen tower beyond `trainer.feature_tokens`. On a CPU `host` is the same memory, so it is `again`."""

    host = "host"
    again = "again"


@dataclass(kw_only=True)
class TrainerConfig:
    """Where and how long training runs. See Lightning's Trainer.

    Attributes:
        max_steps: optimizer steps of the adaptation stage.
        max_samples: samples of the adaptation stage, in place of max_steps: arms of any batch size see as many; null goes by max_steps.
        accelerator: `auto`, `cpu`, `gpu`.
        devices: how many on each machine; `auto` is all.
        num_nodes: machines.
        strategy: how processes work together: `unite`, the project's own, which shares the pool among the ranks; `auto` takes it where
            there are several. `sharded` is that with weights, gradients and the optimizer's state sharded over the ranks (FSDP2). No other
            gives the right gradients.
        timeout_minutes: so long a rank waits for another that is alive, which may be saving or exporting, before the run breaks off.
        lost_after_seconds: a rank that gives no sign of life for so long is lost (killed, stopped, cut off): the others end, and name it.
        precision: `32-true`, or `bf16-mixed`, which computes in bfloat16; what is trained is kept in float32 with either.
        graph_tokens: the activations of up to this many tokens of a batch are kept; the rest is passed twice (gradient cache). `auto`
            keeps as many as the memory that is free has room for, which is measured in the second step.
        feature_tokens: where that happens, the features of up to this many tokens of media that a frozen tower has seen are kept for the
            second pass; 0 keeps none.
        features_beyond: what becomes of those beyond: `host` keeps them in the host's memory, `again` has the tower see the media again, as
            on a CPU, where the host's memory is the same, both do.
        negligible_gradient: of what is passed twice, contents that give next to nothing to the gradient are not passed the second time: the
            share of it, in the norms of its rows at the embeddings, that may be lost in a step (0.01, say). 0 loses nothing.
        log_every_n_steps: between two lines of the log, each of means over the steps since the last.
        health_every_n_steps: between two looks at the embeddings (alignment, uniformity, effective rank, modality gap); 0 never looks.
        checkpoint_every_n_steps: between two checkpoints.
        checkpoint_every_n_minutes: so long after the last checkpoint another is written, at the end of the step; 0 goes by steps alone.
        keep_last: how many of the last checkpoints stay; the best in validation is kept beside them.
        max_skipped_steps: steps of a stage that may have a gradient that is not finite before the run breaks off; they move nothing.
        progress_bar: show one on a terminal; false writes lines there too.
        log_sample_keys: write each step's samples into the run folder.
        options: further arguments of Lightning's Trainer, handed over as they are.

    Raises:
        ConfigError: if a number is out of its range.
    """

    max_steps: int = 2000
    max_samples: int | None = None
    accelerator: str = "auto"
    devices: int | str = 1
    num_nodes: int = 1
    strategy: str = "auto"
    timeout_minutes: float = 60
    lost_after_seconds: float = 30
    precision: str = "32-true"
    graph_tokens: int | str = "auto"
    feature_tokens: int = 1_000_000
    features_beyond: FeaturesBeyond = FeaturesBeyond.host
    negligible_gradient: float = 0
    log_every_n_steps: int = 10
    health_every_n_steps: int = 100
    checkpoint_every_n_steps: int = 200
    checkpoint_every_n_minutes: float = 0
    keep_last: int = 1
    max_skipped_steps: int = 10
    progress_bar: bool = True
    log_sample_keys: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.graph_tokens != "auto" and (not isinstance(self.graph_tokens, int) or self.graph_tokens < 1):
            raise ConfigError(must_be("trainer.graph_tokens", "at least 1, or auto", self.graph_tokens))
        for name in ("log_every_n_steps", "checkpoint_every_n_steps", "keep_last"):
            if getattr(self, name) < 1:
                raise ConfigError(must_be(f"trainer.{name}", "at least 1", getattr(self, name)))
        if self.feature_tokens < 0:
            raise ConfigError(must_be("trainer.feature_tokens", "at least 0", self.feature_tokens, "0 keeps none."))
        if not 0 <= self.negligible_gradient < 1:
            expected = "at least 0, which leaves nothing out, and below 1"
            raise ConfigError(must_be("trainer.negligible_gradient", expected, self.negligible_gradient))
        if not 0 <= self.checkpoint_every_n_minutes < math.inf:
            hint = "0 goes by trainer.checkpoint_every_n_steps alone."
            raise ConfigError(must_be("trainer.checkpoint_every_n_minutes", "at least 0", self.checkpoint_every_n_minutes, hint))
        if not 0 < self.timeout_minutes < math.inf:
            raise ConfigError(must_be("trainer.timeout_minutes", "above 0", self.timeout_minutes))
        if not 1 <= self.lost_after_seconds < math.inf:
            raise ConfigError(must_be("trainer.lost_after_seconds", "at least 1", self.lost_after_seconds))
        if self.health_every_n_steps < 0:
            expected = "at least 1, or 0 for never"
            raise ConfigError(must_be("trainer.health_every_n_steps", expected, self.health_every_n_steps))
        if self.max_skipped_steps < 0:
            raise ConfigError(must_be("trainer.max_skipped_steps", "at least 0", self.max_skipped_steps))


class WandbMode(StrEnum):
    """`offline` needs no account and writes into the run folder; `python -m unite.dashboard <run> --push` uploads it later."""

    offline = "offline"
    online = "online"
    disabled = "disabled"


@dataclass(kw_only=True)
class LoggerConfig:
    """CSV and Weights & Biases.

    Attributes:
        csv: write metrics.csv into the run folder.
        wandb: `offline` needs no account and writes into the run folder (`python -m unite.dashboard <run> --push` uploads it later);
            `online`, `disabled`.
        project: of W&B.
        entity: of W&B: the user or team; null is the account's own.
        group: of W&B; null is the sweep's folder.
        tags: of W&B.
    """

    csv: bool = True
    wandb: WandbMode = WandbMode.offline
    project: str = "unite"
    entity: str | None = None
    group: str | None = None
    tags: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class TrainConfig:
    """`python -m unite.train`.

    Attributes:
        name: the folder in `runs_root` that the run's folder lies in.
        seed: of weights, data order and dropout; equal seeds give equal runs.
        data_root: where data lie and are built.
        runs_root: where run folders lie.
        run_folder: of this run; a new one by default, with `resume` that of the run that goes on.
        resume: `true` goes on with the newest unfinished run of this name, `<run folder>` with that one, `<run folder>@<step>` from an
            older checkpoint of it (`<run folder>@alignment/<step>` says of which stage).
        init_from: a run folder, an exported encoder's folder or a hub name to start from; null starts from the encoder's own weights.
        evaluate: evaluate on the suite at the end.
        world: the built-in data.
        encoder: the vision-language model.
        mixture: the data of the adaptation stage.
        data: how batches are made.
        objective: the loss of the adaptation stage.
        optimizer: of the adaptation stage.
        alignment: the stage before, if any.
        adaptation: the main stage.
        trainer: where and how long training runs.
        feature_cache: where features of a frozen tower are kept over epochs and runs.
        logger: where metrics go.
        suite: what is evaluated at the end.
        validation: what is looked at while the adaptation stage trains.
        export: the weights that the adaptation stage ends with: those of its `last` step, or the `best` in validation.
        sweep: of `-m`: how its jobs run, and what of them stays.
        plan: what `python -m unite.plan` goes by; a run itself does not ask.
    """

    name: str = "train"
    seed: int = 0
    data_root: str = "data"
    runs_root: str = "runs"
    run_folder: str = "${run_folder:${runs_root},${name},${resume}}"
    resume: Any = False
    init_from: str | None = None
    evaluate: bool = True
    world: WorldConfig = field(default_factory=WorldConfig)
    encoder: Any
    mixture: MixtureConfig = field(default_factory=MixtureConfig)
    data: DataConfig = field(default_factory=DataConfig)
    objective: Any
    optimizer: Any
    alignment: StageConfig
    adaptation: StageConfig
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    feature_cache: FeatureCacheConfig = field(default_factory=FeatureCacheConfig)
    logger: LoggerConfig = field(default_factory=LoggerConfig)
    suite: Any = None
    validation: ValidationConfig = field(default_factory=ValidationConfig)
    export: Export = Export.last
    sweep: SweepConfig = field(default_factory=SweepConfig)
    plan: PlanConfig = field(default_factory=PlanConfig)
