"""The run's folder, in a sweep the job's own, and the config that a resumed run goes on with."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from hydra import compose
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import OmegaConf

from unite.config.resumed import refuse_half_copied, resumed_run
from unite.config.schema import EvaluateConfig, TrainConfig
from unite.errors import ConfigError, must_be
from unite.runs import RunFolder

log = logging.getLogger(__name__)


def in_sweep() -> bool:
    """Returns whether this is a job of `-m` that another launcher than ours runs: ours starts jobs as single runs."""
    return HydraConfig.initialized() and HydraConfig.get().mode is RunMode.MULTIRUN


def build_run(config: TrainConfig | EvaluateConfig) -> RunFolder:
    """Makes the run's folder, in a sweep the job's own, and writes the resolved config into it."""
    run = RunFolder(HydraConfig.get().runtime.output_dir if in_sweep() else config.run_folder)
    run.hold()
    run.write_config(OmegaConf.to_yaml(config, resolve=True))
    run.write_overrides(list(HydraConfig.get().overrides.task))
    return run


def resumed_config(config: TrainConfig) -> TrainConfig:
    """Returns the config of the run that `resume` goes on with: that of its own command, with what this one overrides.

    The config as it is without `resume`, in a sweep, or where there is no unfinished run, which is said.

    Raises:
        ConfigError: if the run was not copied whole, or `run_folder` is another than the one that `resume` names.
    """
    if not config.resume or in_sweep():
        return config
    refuse_half_copied(Path(config.run_folder))
    meant = resumed_run(config.resume, config.runs_root, config.name)
    if meant is not None and meant.folder.resolve() != Path(config.run_folder).resolve():
        hint = "Give one of the two."
        raise ConfigError(must_be("run_folder", f"{meant.folder}, the run that resume names,", str(config.run_folder), hint))
    begun_with = RunFolder.read_overrides(config.run_folder)
    if begun_with is None:
        log.warning("there is no unfinished run in %s to resume: a new one begins", Path(config.run_folder).parent)
        return config
    ours = list(HydraConfig.get().overrides.task)
    named = {overridden(override) for override in ours}
    first = [override for override in begun_with if overridden(override) not in named]
    log.info("resuming %s, begun with: %s", config.run_folder, " ".join(first) or "the same options")
    return cast(TrainConfig, compose("train", first + ours))


def gone_back_to(config: TrainConfig) -> tuple[str, int] | None:
    """Returns stage and step of the checkpoint that a run goes back to; None where it goes on from its last one."""
    named = resumed_run(config.resume, config.runs_root, config.name)
    return None if named is None or named.stage is None or named.step is None else (named.stage, named.step)


def suite_fits(config: TrainConfig, overrides: Sequence[str] | None = None) -> bool:
    """Returns whether a run is to be evaluated on its suite: the command names it, or the mixture has rows of its world.

    The tests of the built-in world, which are the default, say nothing of a mixture of one's own.

    Args:
        config: of the run.
        overrides: what the command says; None where Hydra knows it.
    """
    now = overrides_now() if overrides is None else overrides
    said = [*(RunFolder.read_overrides(config.run_folder) or []), *now]
    return suite_is_of_data(config.suite, config.adaptation.mixture.sources, said)


def suite_is_of_data(suite: Any, sources: Mapping[str, Any], said: Sequence[str]) -> bool:
    """Returns whether a suite is one for the sources of a mixture, or was asked for all the same.

    Args:
        suite: its config; None is for no data.
        sources: their configs by name.
        said: the overrides of the command.
    """
    if suite is None:
        return False
    return suite.get("world") is None or names_suite(said) or any(source.get("world") is not None for source in sources.values())


def overrides_now() -> list[str]:
    """Returns the overrides of the command that is running."""
    return list(HydraConfig.get().overrides.task) if HydraConfig.initialized() else []


def names_suite(said: Sequence[str]) -> bool:
    """Returns whether overrides name a suite, or an option of one."""
    return any(overridden(override).partition(".")[0] == "suite" for override in said)


def last_stage(config: TrainConfig) -> str:
    """Returns the name of the last stage that is trained."""
    return config.adaptation.name if config.adaptation.max_steps > 0 else config.alignment.name


def plan_of(config: TrainConfig) -> str:
    """Returns in a line what a run is going to do; said before anything heavy is imported."""
    stages = [
        f"{stage.name} of {stage.max_steps} steps on {_listed(list(stage.mixture.sources))}"
        for stage in (config.alignment, config.adaptation)
        if stage.max_steps > 0
    ]
    start = config.init_from or config.encoder.path or "a new checkpoint of the config's own"
    every = config.validation.every_n_steps
    validation = (
        f"; validated every {every} steps on {'a suite' if config.validation.held_out is None else 'held-out rows'}" if every else ""
    )
    suite = f"; then the suite {config.suite.name}" if config.evaluate and suite_fits(config) else ""
    return f"{config.name}: {', then '.join(stages)}, in batches of {config.data.batch_size}; from {start}{validation}{suite}"


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "no source" if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more sources"


def overridden(override: str) -> str:
    """Returns what an override is of: `trainer.max_steps` of `trainer.max_steps=5`, `experiment` of `+experiment=...`."""
    return override.lstrip("+~").partition("=")[0]
