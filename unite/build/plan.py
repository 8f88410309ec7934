"""What `python -m unite.plan` builds: the stages of a run, counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import torch
from omegaconf import OmegaConf

from unite.build.early_training import PRECISIONS
from unite.checkpoints import find_checkpoint
from unite.config.schema import EncoderConfig, PlanConfig, StageConfig, TinyCheckpointConfig, TrainConfig
from unite.encoder.checkpoint import read_as_asked, read_as_trained
from unite.encoder.features import FeatureBound
from unite.encoder.folder import parts_of
from unite.encoder.tiny import tiny_config
from unite.errors import CheckpointError, ConfigError, must_be, must_be_one_of
from unite.planning.architectures import architecture_of, family_with
from unite.planning.contents import contents_of_step
from unite.planning.counted import CountedModel
from unite.planning.devices import device_of
from unite.planning.plan import STATES, StagePlan, plan_stage


def build_plans(config: TrainConfig) -> tuple[list[StagePlan], str]:
    """Counts the stages that have steps; returns them, and what encoder they are of, in words.

    Raises:
        UniteError: if device, encoder, optimizer or mixture cannot be planned, or a batch cannot be split over the devices.
    """
    plan = cast(PlanConfig, OmegaConf.to_object(cast(Any, config.plan)))
    device = device_of(plan.device, plan.memory_gb, plan.peak_tflops)
    if config.data.batch_size % plan.devices:
        raise ConfigError(must_be("data.batch_size", f"a multiple of plan.devices ({plan.devices})", config.data.batch_size))
    architecture, family, told, options = _architecture(config)
    dtype = torch.bfloat16 if PRECISIONS.get(str(config.trainer.precision)) == "bf16-mixed" else getattr(torch, options.dtype)
    model = CountedModel(architecture, family, options, dtype)
    vision = architecture.vision_config
    plans = []
    for stage in _stages(config):
        mixture: Any = OmegaConf.to_container(cast(Any, stage.mixture), resolve=True, enum_to_str=True)
        contents = contents_of_step(mixture, config.data.batch_size, options, plan, int(vision.patch_size), int(vision.spatial_merge_size))
        plans.append(
            plan_stage(
                stage.name,
                stage.max_steps,
                contents,
                model,
                device,
                plan,
                graph_tokens=None if config.trainer.graph_tokens == "auto" else int(config.trainer.graph_tokens),
                features=FeatureBound(config.trainer.feature_tokens, config.trainer.features_beyond),
                is_sharded=config.trainer.strategy == "sharded",
                token_budget=config.data.token_budget,
                optimizer=_optimizer(stage),
                has_average=stage.optimizer.get("ema_decay") is not None,
            )
        )
    return plans, f"{told}, {plan.devices} x {plan.device}"


def _stages(config: TrainConfig) -> Iterator[StageConfig]:
    stages = [stage for stage in (config.alignment, config.adaptation) if stage.max_steps > 0]
    if not stages:
        raise ConfigError(must_be("trainer.max_steps", "above 0 for some stage", 0))
    for stage in stages:
        if stage.mixture is None or not stage.mixture.sources:
            raise ConfigError(must_be(f"{stage.name}.mixture.sources", "at least one source", "empty", "Choose a mixture: mixture=..."))
        yield stage


def _architecture(config: TrainConfig) -> tuple[Any, Any, str, EncoderConfig]:
    """Returns transformers' config, the family, what they are of, and the encoder's options as its checkpoint would have them."""
    options = OmegaConf.to_object(cast(Any, config.encoder))
    if not isinstance(options, EncoderConfig):
        raise ConfigError(must_be("encoder", "one of the project's own", str(config.encoder.get("_target_")), "Others are not counted."))
    path = config.init_from or options.path
    if not path:
        if not isinstance(options.checkpoint, TinyCheckpointConfig):
            raise ConfigError(must_be("encoder.checkpoint", "a tiny one, or null with encoder.path", "of another class"))
        architecture = tiny_config(options.checkpoint)
        return architecture, family_with(architecture), f"a random {options.checkpoint.architecture}", options
    architecture, family, told = architecture_of(path)
    try:
        found = find_checkpoint(path, "encoder.path")
    except CheckpointError:  # known by its name alone
        return architecture, family, told, options
    parts = parts_of(found)
    return architecture, family, told, read_as_asked(read_as_trained(replace(options, path=found), parts, is_check=True), is_check=True)


def _optimizer(stage: StageConfig) -> str:
    name = str(stage.optimizer["_target_"]).rsplit(".", 2)[-2]
    if name not in STATES:
        raise ConfigError(must_be_one_of(f"{stage.name}.optimizer", STATES, name, "Of another it is not known what it keeps."))
    return name
