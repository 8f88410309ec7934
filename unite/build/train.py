"""What `python -m unite.train` builds: stages and their data, Lightning's Trainer, loggers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl
from hydra.core.hydra_config import HydraConfig
from lightning_fabric.utilities.exceptions import MisconfigurationException
from omegaconf import OmegaConf
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import Logger

from unite.build.component import build
from unite.build.device import device_arguments, device_here
from unite.build.early_training import length_faults
from unite.build.encoder import build_encoder, check_encoder
from unite.build.runs import gone_back_to
from unite.build.validation import build_validation, check_validation, hold_out
from unite.config.schema import StageConfig, TrainConfig, WandbMode
from unite.data.mixture import MixtureDataModule
from unite.encoder.features import FeatureBound
from unite.encoder.vlm import VLMEncoder
from unite.errors import ConfigError, UniteError, caught, gathered, must_be, raise_all
from unite.processes import is_first_rank, started
from unite.runs import RunFolder, versions
from unite.sweeps.record import SHARED
from unite.tracking.recorded import adaptation_shares, read_log_of, stage_lengths
from unite.tracking.wandb_run import RunSteps, columns_of
from unite.training.collapse_alarm import CollapseAlarm
from unite.training.cut_texts import CutTexts
from unite.training.embedding_health import EmbeddingHealth
from unite.training.hardware import hardware
from unite.training.loggers import begin_stage, wandb_logger
from unite.training.sample_keys import FailedBatch, SampleKeys
from unite.training.shared_stages import SharedStages
from unite.training.skipped_samples import SkippedSamples
from unite.training.skipped_steps import SkippedSteps
from unite.training.stage_checkpoint import StageCheckpoint
from unite.training.stage_csv import csv_logger
from unite.training.stage_progress import StageProgress
from unite.training.stages import Stage, num_done, provenance_of, train_stages
from unite.training.step_log import StepLog

#: The options of the trainer that a stage's weights depend on.
_OF_THE_RESULT = (
    "accelerator",
    "devices",
    "num_nodes",
    "strategy",
    "precision",
    "graph_tokens",
    "feature_tokens",
    "features_beyond",
    "negligible_gradient",
    "options",
)


def build_stages(config: TrainConfig, run: RunFolder) -> list[Stage]:
    """Builds the stages that have steps, in their order; the adaptation is validated, and no stage trains on what is held out.

    Raises:
        ConfigError: if a stage has a negative number of steps, or none has any; if the encoder's options or its prompt are refused, see
            `check_encoder`; or if there is nothing to validate on.
    """
    faults: list[UniteError] = [*length_faults(config), *caught(check_encoder, config), *caught(check_validation, config)]
    stages: list[Stage] = []
    for stage in (config.alignment, config.adaptation):
        if stage.max_steps > 0:
            with gathered(faults):
                stages.append(_build_stage(stage, config))
    raise_all(faults)
    mixtures = [stage.mixture for stage in stages]
    hold_out(config, mixtures)
    if config.adaptation.max_steps > 0:
        validation = build_validation(config, mixtures, run)
        stages[-1] = replace(stages[-1], validation=validation, export=config.export)
    return stages


def _build_stage(stage: StageConfig, config: TrainConfig) -> Stage:
    faults: list[UniteError] = []
    parts: dict[str, Any] = {}
    for part in ("objective", "optimizer"):
        with gathered(faults):
            parts[part] = build(getattr(stage, part), f"{stage.name}.{part}")
    with gathered(faults):
        parts["mixture"] = build_mixture(stage, config)
    raise_all(faults)
    return Stage(stage.name, num_steps=stage.max_steps, frozen=tuple(stage.frozen), **parts)


def build_shared_stages(config: TrainConfig) -> SharedStages | None:
    """Builds the place where the jobs of a sweep share stages; None for a run alone, or where other processes were started beside it.

    Those would have to wait for what the first one finds.
    """
    if config.sweep.folder is None or not config.sweep.share_stages or started() is not None:
        return None
    plain: Any = OmegaConf.to_container(config, resolve=True, enum_to_str=True)
    trainer = {name: plain["trainer"][name] for name in _OF_THE_RESULT}
    of_all = {"encoder": plain["encoder"], "data": plain["data"], "trainer": trainer, "seed": plain["seed"], "versions": versions()}
    settings = {plain[stage]["name"]: {**of_all, "stage": plain[stage]} for stage in ("alignment", "adaptation")}
    return SharedStages(Path(config.sweep.folder) / SHARED, settings)


def build_mixture(stage: StageConfig, config: TrainConfig) -> MixtureDataModule:
    """Builds a stage's data.

    Raises:
        ConfigError: if there is none.
    """
    if not stage.mixture.sources:
        raise ConfigError(must_be(f"{stage.name}.mixture.sources", "at least one source", "empty", "Choose a mixture: mixture=..."))
    mixture, data = OmegaConf.to_object(stage.mixture), OmegaConf.to_object(config.data)
    sources = {name: build(source, f"{stage.name}.mixture.sources.{name}") for name, source in stage.mixture.sources.items()}
    return MixtureDataModule(mixture, data, sources, config.seed)  # type: ignore[arg-type]


def build_trainer(config: TrainConfig, stage: Stage, run: RunFolder, loggers: list[Logger]) -> pl.Trainer:
    """Builds Lightning's Trainer for a stage.

    Raises:
        ConfigError: if the Trainer, or what looks on as it trains, refuses a value.
    """
    trainer = config.trainer
    step_log = StepLog(trainer.log_every_n_steps, stage.mixture.source_names)
    callbacks: list[Callback] = [
        SkippedSteps(run.path, trainer.max_skipped_steps),
        step_log,
        StageProgress(stage.name, step_log, "bar" if trainer.progress_bar else "lines"),
        SkippedSamples(run.skipped, config.data.max_skipped_share),
        CutTexts(),
        CollapseAlarm(),
        FailedBatch(run.path),
        StageCheckpoint(
            run.checkpoints(stage.name), trainer.checkpoint_every_n_steps, trainer.checkpoint_every_n_minutes, trainer.keep_last
        ),
    ]
    if trainer.health_every_n_steps:
        callbacks.append(EmbeddingHealth(trainer.health_every_n_steps))
    if stage.validation is not None:
        callbacks.append(stage.validation)
    if trainer.log_sample_keys:
        callbacks.append(SampleKeys(run.path, stage.name))
    begin_stage(loggers, stage.name)
    try:
        return pl.Trainer(
            **device_arguments(trainer),
            max_steps=stage.num_steps,
            max_epochs=1,
            logger=loggers or False,
            callbacks=callbacks,
            log_every_n_steps=trainer.log_every_n_steps,
            enable_progress_bar=False,  # ours is a callback
            enable_model_summary=False,
            use_distributed_sampler=False,  # the mixture splits its batches over the ranks
            default_root_dir=run.path,
            **trainer.options,
        )
    except (
        MisconfigurationException,
        RuntimeError,
        ValueError,
        TypeError,
        ImportError,
    ) as error:  # Lightning names the bad value, and the good ones
        raise ConfigError(f"Lightning's Trainer refuses the config group trainer: {error}") from error


def build_loggers(config: TrainConfig, run: RunFolder) -> list[Logger]:
    """Builds the CSV and W&B loggers that are switched on.

    Raises:
        ConfigError: if W&B is to be used online and cannot be.
    """
    logger = config.logger
    loggers: list[Logger] = [csv_logger(run.path)] if logger.csv else []
    if logger.wandb is not WandbMode.disabled:
        plain = cast(dict[str, Any], OmegaConf.to_container(config, resolve=True, enum_to_str=True))
        choices = dict(HydraConfig.get().runtime.choices) if HydraConfig.initialized() else {}
        wandb = wandb_logger(
            run.path,
            mode=logger.wandb,
            steps=RunSteps(stage_lengths(plain), config.data.batch_size, read_log_of(run.path, plain)),
            name=f"{config.name}/{run.path.name}",
            project=logger.project,
            entity=logger.entity,
            group=logger.group or (Path(config.sweep.folder).name if config.sweep.folder else None),
            tags=list(logger.tags),
            config=columns_of(plain, choices, adaptation_shares(plain)),
        )
        loggers.append(wandb)
    return loggers


def train(config: TrainConfig, run: RunFolder, stages: Sequence[Stage], loggers: list[Logger]) -> VLMEncoder:
    """Trains the stages that are left, each from the weights of the one before, exports the encoder, and keeps what tells how it was made.

    A run that was trained before and not evaluated keeps the record of that, and its encoder comes to the device all the same.
    """
    was_trained = bool(config.resume) and num_done(stages, run) == len(stages)
    encoder = train_stages(
        stages,
        run,
        load_encoder=lambda folder: build_encoder(config, folder),
        build_trainer=lambda stage: build_trainer(config, stage, run, loggers),
        graph_tokens=config.trainer.graph_tokens,
        features=FeatureBound(config.trainer.feature_tokens, config.trainer.features_beyond),
        negligible=config.trainer.negligible_gradient,
        resume=bool(config.resume),
        back_to=gone_back_to(config),
        seed=config.seed,
        shared=build_shared_stages(config),
    )
    if was_trained:
        encoder.to(device_here(config.trainer.accelerator))
    if is_first_rank() and not (was_trained and run.has_provenance):
        device = next(encoder.parameters()).device
        run.write_provenance(**provenance_of(stages), init_from=config.init_from, hardware=hardware(device))
    return encoder
