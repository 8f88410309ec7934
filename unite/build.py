"""Config to objects: the only place that instantiates.

Entry points read as a list of these. A component's `_target_` decides its class, so a user's own class is built like ours.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl
import torch
from hydra import compose
from hydra.core.hydra_config import HydraConfig
from hydra.errors import InstantiationException
from hydra.types import RunMode
from hydra.utils import instantiate
from lightning_fabric.utilities.exceptions import MisconfigurationException
from omegaconf import OmegaConf
from pytorch_lightning.callbacks import Callback, ModelCheckpoint
from pytorch_lightning.loggers import Logger

from unite.config.schema import CurateConfig, EvaluateConfig, StageConfig, SuiteConfig, TrainConfig, TrainerConfig
from unite.curation.pipeline import Curation
from unite.data.mixture import MixtureDataModule
from unite.data.source import World
from unite.embedding.cache import DiskCache
from unite.encoder import VLMEncoder
from unite.errors import ConfigError, UniteError, must_be
from unite.evaluation.evaluate import Evaluation, evaluate
from unite.evaluation.mteb_suite import MtebEvaluation
from unite.evaluation.suite import Suite
from unite.runs import RunFolder, trained_encoder
from unite.training.callbacks import CollapseAlarm, FailedBatch, SampleKeys, SkippedSamples, StageProgressBar, StepLog
from unite.training.loggers import csv_logger, wandb_logger
from unite.training.parallel import PoolStrategy
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
    run.write_overrides(list(HydraConfig.get().overrides.task))
    return run


def resumed_config(config: TrainConfig) -> TrainConfig:
    """Returns the config of the run that `resume=true` goes on with: that of its own command, with what this one overrides.

    The config as it is without `resume`, in a sweep, or where there is no unfinished run, which is said.
    """
    if not config.resume or _in_sweep():
        return config
    begun_with = RunFolder.read_overrides(config.run_folder)
    if begun_with is None:
        log.warning("there is no unfinished run in %s to resume: a new one begins", Path(config.run_folder).parent)
        return config
    ours = list(HydraConfig.get().overrides.task)
    named = {_overridden(one) for one in ours}
    first = [one for one in begun_with if _overridden(one) not in named]
    log.info("resuming %s, begun with: %s", config.run_folder, " ".join(first) or "the same options")
    return cast(TrainConfig, compose("train", first + ours))


def _overridden(override: str) -> str:
    """Returns what an override is of: `trainer.max_steps` of `trainer.max_steps=5`, `experiment` of `+experiment=...`."""
    return override.lstrip("+~").partition("=")[0]


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
    device = _device(config.device)
    is_hub_name = (
        config.checkpoint.count("/") <= 1 and config.checkpoint[:1] not in ("/", ".", "~", "") and not Path(config.checkpoint).exists()
    )
    path = config.checkpoint if is_hub_name else str(trained_encoder(config.checkpoint))
    arguments = {key: value for key, value in config.encoder.items() if key != "checkpoint"}
    encoder: VLMEncoder = build(OmegaConf.create(arguments), path=path)
    return encoder.to(device)


def build_cache(config: EvaluateConfig, encoder: VLMEncoder) -> DiskCache | None:
    """Opens the folder of embeddings that earlier evaluations of this encoder left, unless `cache` is null."""
    return None if config.cache is None else DiskCache.of_encoder(config.cache, encoder)


def build_stages(config: TrainConfig) -> list[Stage]:
    """Builds the stages that have steps, in their order.

    Raises:
        ConfigError: if a stage has a negative number of steps; trainer.max_steps is that of the adaptation.
    """
    for name, steps in (("alignment.max_steps", config.alignment.max_steps), ("trainer.max_steps", config.adaptation.max_steps)):
        if steps < 0:
            raise ConfigError(must_be(name, "at least 0 (which leaves the stage out)", steps))
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
    """Builds Lightning's Trainer for a stage.

    Raises:
        ConfigError: if the Trainer refuses a value.
    """
    trainer = config.trainer
    if trainer.checkpoint_every_n_steps < 1:
        raise ConfigError(must_be("trainer.checkpoint_every_n_steps", "at least 1", trainer.checkpoint_every_n_steps))
    # Right as it is: a checkpoint is taken after the optimizer's step, a stage may be shorter than the interval of the log, and the mixture
    # resumes itself. The last is between Lightning and torch.
    manual, short, resumed = (
        ".*ModelCheckpoint with manual optimization.*",
        ".*smaller than the logging interval.*",
        ".*dataloader is not resumable.*",
    )
    for message in (manual, short, resumed, ".*LeafSpec.*"):
        warnings.filterwarnings("ignore", message)
    logging.getLogger("pytorch_lightning.utilities.rank_zero").setLevel(logging.WARNING)  # the stage says itself where it runs
    callbacks: list[Callback] = [
        StepLog(trainer.log_every_n_steps, told=not (trainer.progress_bar and sys.stdout.isatty())),
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
        callbacks.append(StageProgressBar(stage.name))
    if trainer.log_sample_keys:
        callbacks.append(SampleKeys(run.path))
    try:
        return pl.Trainer(
            accelerator=trainer.accelerator,
            devices=trainer.devices,
            num_nodes=trainer.num_nodes,
            strategy=_strategy(trainer),
            precision=trainer.precision,  # type: ignore[arg-type]
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
    except (MisconfigurationException, ValueError, TypeError, ImportError) as error:  # Lightning names the bad value, and the good ones
        raise ConfigError(f"Lightning's Trainer refuses the config group trainer: {error}") from error


def build_loggers(config: TrainConfig, run: RunFolder) -> list[Logger]:
    """Builds the CSV and W&B loggers that are switched on.

    Raises:
        ConfigError: if W&B is to be used online and cannot be.
    """
    logger = config.logger
    loggers: list[Logger] = [csv_logger(run.path)] if logger.csv else []
    if logger.wandb.value != "disabled":
        wandb = wandb_logger(
            run.path,
            mode=logger.wandb.value,
            name=f"{config.name}/{run.path.name}",
            project=logger.project,
            entity=logger.entity,
            group=logger.group or (run.path.parent.name if _in_sweep() else None),
            tags=list(logger.tags),
            config=OmegaConf.to_container(config, resolve=True, enum_to_str=True),
        )
        loggers.append(wandb)
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


def _device(name: str) -> torch.device:
    """Returns the device of that name, for `auto` a GPU if there is one."""
    known, has_gpu = "auto, cpu, cuda, or cuda:<number> of a GPU that this machine has", torch.cuda.is_available()
    try:
        device = torch.device(("cuda" if has_gpu else "cpu") if name == "auto" else name)
    except RuntimeError as error:
        raise ConfigError(must_be("device", known, name)) from error
    if device.type == "cuda" and not (has_gpu and (device.index or 0) < torch.cuda.device_count()):
        raise ConfigError(must_be("device", known, name, f"torch sees {torch.cuda.device_count()} GPUs."))
    return device


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
