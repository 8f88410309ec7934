"""Config to objects: the only place that instantiates.

Entry points read as a list of these. A component's `_target_` decides its class, so a user's own class is built like ours.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.errors import InstantiationException
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import OmegaConf
from pytorch_lightning.callbacks import Callback, ModelCheckpoint, RichProgressBar
from pytorch_lightning.loggers import CSVLogger, Logger, WandbLogger

from unite.config.schema import CurateConfig, EvaluateConfig, StageConfig, SuiteConfig, TrainConfig, TrainerConfig
from unite.curation.pipeline import Curation
from unite.data.mixture import MixtureDataModule
from unite.data.source import World
from unite.encoder import VLMEncoder
from unite.errors import UniteError
from unite.evaluation.cache import DiskCache
from unite.evaluation.evaluate import Evaluation, evaluate
from unite.evaluation.mteb_suite import MtebEvaluation
from unite.evaluation.suite import Suite
from unite.training.callbacks import CollapseAlarm, FailedBatch, SampleKeys, SkippedSamples, StepLog
from unite.training.ranks import PoolStrategy
from unite.training.run_folder import RunFolder, trained_encoder
from unite.training.stages import Stage

log = logging.getLogger(__name__)


def build(config: Any, **given: Any) -> Any:
    """Instantiates a component's config, resolved and with enums as their names; `given` adds or overrides arguments."""
    plain = OmegaConf.to_container(config, resolve=True, enum_to_str=True)
    try:
        return instantiate(OmegaConf.create(plain), **given, _convert_="all")
    except InstantiationException as error:
        if isinstance(error.__cause__, UniteError):
            raise error.__cause__ from None  # its message is for the user, Hydra's wrapping is not
        raise


def build_run(config: TrainConfig | EvaluateConfig) -> RunFolder:
    """Makes the run's folder, in a sweep the job's own, and writes the resolved config into it."""
    run = RunFolder(HydraConfig.get().runtime.output_dir if _in_sweep() else config.run_folder)
    run.write_config(OmegaConf.to_yaml(config, resolve=True))
    return run


def build_encoder(config: TrainConfig, folder: Path | None) -> VLMEncoder:
    """Builds the encoder with the weights of the stage before (`folder`), else of the run `init_from`, else its own, and says which."""
    encoder = config.encoder
    arguments = {key: value for key, value in encoder.items() if key != "checkpoint"}
    if folder is None and config.init_from is not None:
        folder = trained_encoder(config.init_from)
    if folder is None and encoder.checkpoint is not None:
        folder = build_checkpoint(config)
    path = str(folder) if folder else encoder.path
    log.info("the encoder's weights come from %s", path)
    return cast(VLMEncoder, build(OmegaConf.create(arguments), path=path))


def build_checkpoint(config: TrainConfig) -> Path:
    """Builds the encoder's random checkpoint if it is not there yet, its tokenizer trained on the world's texts."""
    world: World = build(config.world)
    world.prepare()
    return Path(build(config.encoder.checkpoint, root=config.data_root, corpus=world.texts()))


def build_trained_encoder(config: EvaluateConfig) -> VLMEncoder:
    """Builds the encoder of a run folder, of an exported encoder's folder, or of a hub name, on the device asked for."""
    path = str(trained_encoder(config.checkpoint)) if Path(config.checkpoint).exists() else config.checkpoint
    device = config.device if config.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    arguments = {key: value for key, value in config.encoder.items() if key != "checkpoint"}
    encoder: VLMEncoder = build(OmegaConf.create(arguments), path=path)
    return encoder.to(device)


def build_cache(config: EvaluateConfig, encoder: VLMEncoder) -> DiskCache | None:
    """Opens the folder of embeddings that earlier evaluations of this encoder left, unless `cache` is null."""
    return None if config.cache is None else DiskCache.of_encoder(config.cache, encoder)


def build_stages(config: TrainConfig) -> list[Stage]:
    """Builds the stages that have steps, in their order."""
    return [_build_stage(stage, config) for stage in (config.alignment, config.adaptation) if stage.max_steps > 0]


def build_mixture(stage: StageConfig, config: TrainConfig) -> MixtureDataModule:
    """Builds a stage's data."""
    data, mixture = config.data, stage.mixture
    return MixtureDataModule(
        sources={name: build(source) for name, source in mixture.sources.items()},
        shares=dict(mixture.shares or {}),
        temperature=mixture.temperature,
        exhausted=mixture.exhausted.value,
        batch_size=data.batch_size,
        run_length=mixture.run_length,
        token_budget=data.token_budget,
        num_workers=data.num_workers,
        seed=config.seed,
    )


def build_trainer(config: TrainConfig, stage: Stage, run: RunFolder, loggers: list[Logger]) -> pl.Trainer:
    """Builds Lightning's Trainer for a stage."""
    trainer = config.trainer
    # Right as it is: a checkpoint is taken after the optimizer's step, and a stage may be shorter than the interval of the log. The last
    # is between Lightning and torch.
    for message in (".*ModelCheckpoint with manual optimization.*", ".*smaller than the logging interval.*", ".*LeafSpec.*"):
        warnings.filterwarnings("ignore", message)
    logging.getLogger("pytorch_lightning.utilities.rank_zero").setLevel(logging.WARNING)  # the stage says itself where it runs
    callbacks: list[Callback] = [
        StepLog(trainer.log_every_n_steps),
        SkippedSamples(run.skipped, config.data.max_skipped_share),
        CollapseAlarm(),
        FailedBatch(run.path),
        ModelCheckpoint(
            run.checkpoints(stage.name),
            filename="{step}",
            every_n_train_steps=trainer.checkpoint_every_n_steps,
            enable_version_counter=False,
        ),
    ]
    if trainer.progress_bar:
        callbacks.append(RichProgressBar(refresh_rate=10, leave=True))
    if trainer.log_sample_keys:
        callbacks.append(SampleKeys(run.path))
    return pl.Trainer(
        accelerator=trainer.accelerator,
        devices=trainer.devices,
        num_nodes=trainer.num_nodes,
        strategy=_strategy(trainer),
        precision=trainer.precision,  # type: ignore[arg-type]  # Lightning names the bad value itself
        max_steps=stage.num_steps,
        max_epochs=1,
        logger=loggers or False,
        callbacks=callbacks,
        log_every_n_steps=trainer.log_every_n_steps,
        enable_progress_bar=trainer.progress_bar,
        enable_model_summary=False,
        use_distributed_sampler=False,  # the mixture splits its batches over the ranks
        default_root_dir=run.path,
        **trainer.options,
    )


def build_loggers(config: TrainConfig, run: RunFolder) -> list[Logger]:
    """Builds the CSV and W&B loggers that are switched on."""
    logger = config.logger
    loggers: list[Logger] = [CSVLogger(run.path, name="", version="log", flush_logs_every_n_steps=10)] if logger.csv else []
    if logger.wandb.value != "disabled":
        loggers.append(
            WandbLogger(
                name=f"{config.name}/{run.path.name}",
                save_dir=run.path,
                project=logger.project,
                entity=logger.entity,
                group=logger.group or (run.path.parent.name if _in_sweep() else None),
                tags=list(logger.tags),
                mode=logger.wandb.value,
                config=OmegaConf.to_container(config, resolve=True, enum_to_str=True),
            )
        )
    return loggers


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


def _in_sweep() -> bool:
    return HydraConfig.initialized() and HydraConfig.get().mode is RunMode.MULTIRUN


def _strategy(trainer: TrainerConfig) -> str | PoolStrategy:
    """Returns ours where several processes train together, unless another is named."""
    several = trainer.num_nodes > 1 or str(trainer.devices) not in ("1", "auto")
    return PoolStrategy() if several and trainer.strategy == "auto" else trainer.strategy


def build_curation(config: CurateConfig) -> Curation:
    """Builds a curation; a recipe without a name takes that of its key."""
    return Curation(
        [build(recipe, name=recipe.get("name") or key) for key, recipe in config.recipes.items()],
        [build(step) for step in config.steps.values()],
        out=config.out,
        media=build(config.media),
        rows_per_part=config.rows_per_part,
        samples_per_shard=config.samples_per_shard,
        seed=config.seed,
        workers=config.workers,
        engine=config.engine.value,
        max_unusable_share=config.max_unusable_share,
        config=OmegaConf.to_container(config, resolve=True, enum_to_str=True),  # type: ignore[arg-type]
    )


def _build_stage(stage: StageConfig, config: TrainConfig) -> Stage:
    return Stage(stage.name, build_mixture(stage, config), build(stage.objective), build(stage.optimizer), stage.max_steps)
