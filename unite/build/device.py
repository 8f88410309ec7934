"""What training runs on: how processes work together, and in which precision. Only what the step was made for and tested with."""

from __future__ import annotations

import os
from typing import Any

import pytorch_lightning as pl
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from pytorch_lightning.strategies import SingleDeviceStrategy
from torch.distributed import is_torchelastic_launched

from unite.config.schema import TrainerConfig
from unite.errors import ConfigError, must_be, must_be_one_of
from unite.training.parallel import PoolStrategy

#: Of Lightning's precisions, by the names that it has for each.
_PRECISIONS = {"32-true": "32-true", "32": "32-true", "bf16-mixed": "bf16-mixed", "bf16": "bf16-mixed"}
_STRATEGIES = ("auto", PoolStrategy.strategy_name)


def check_device(trainer: TrainerConfig) -> None:
    """Refuses strategies and precisions that would train on wrong gradients or hang; called before anything is loaded.

    Raises:
        ConfigError: if one is not among those that the step was made for.
    """
    if trainer.strategy not in _STRATEGIES:
        hint = (
            "Others expect one backward pass a step, or average what must be summed: the ranks would wait for ever, or train on wrong "
            "gradients."
        )
        raise ConfigError(must_be_one_of("trainer.strategy", _STRATEGIES, trainer.strategy, hint))
    if str(trainer.precision) not in _PRECISIONS:
        hint = (
            "bf16-mixed has the range of float32, so that gradients need no scaling. Weights that are not trained are kept in bfloat16 by "
            "encoder.dtype=bfloat16, with either."
        )
        raise ConfigError(must_be_one_of("trainer.precision", sorted(set(_PRECISIONS.values())), trainer.precision, hint))


def device_arguments(trainer: TrainerConfig) -> dict[str, Any]:
    """Returns the arguments of Lightning's Trainer that say where it runs.

    Raises:
        ConfigError: as `check_device`, or if torchrun or SLURM started another number of processes than train together.
    """
    check_device(trainer)
    where: dict[str, Any] = {"accelerator": trainer.accelerator, "devices": trainer.devices, "num_nodes": trainer.num_nodes}
    # Lightning knows what `auto` and `-1` mean on this machine: asked by a Trainer that is thrown away.
    found = pl.Trainer(**where, logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
    _check_started(found.world_size)
    alone = trainer.strategy == "auto" and isinstance(found.strategy, SingleDeviceStrategy)
    return {**where, "strategy": "auto" if alone else PoolStrategy(), "precision": _PRECISIONS[str(trainer.precision)]}


def _check_started(world_size: int) -> None:
    """Refuses processes beside one another that do not know of each other: each would train a run of its own in one folder."""
    if is_torchelastic_launched():
        name, started = "torchrun", int(os.environ["WORLD_SIZE"])
    elif SLURMEnvironment.detect() and "SLURM_STEP_NUM_TASKS" in os.environ:  # of srun; sbatch alone starts one
        name, started = "srun", int(os.environ["SLURM_STEP_NUM_TASKS"])
    else:
        return
    if started != world_size:
        hint = "Give trainer.devices the number of processes on each machine and trainer.num_nodes that of machines, or start one alone."
        raise ConfigError(must_be("trainer.devices x trainer.num_nodes", f"{started}, the processes that {name} started", world_size, hint))
