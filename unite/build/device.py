"""What training runs on: how processes work together, and in which precision. Only what the step was made for and tested with."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from pytorch_lightning.strategies import SingleDeviceStrategy

from unite.build.early_training import PRECISIONS, device_faults
from unite.config.schema import TrainerConfig
from unite.errors import ConfigError, must_be, raise_all
from unite.processes import started
from unite.training.parallel import PoolStrategy
from unite.training.sharded_strategy import ShardedStrategy

#: The option's value: the strategy where processes are several.
_STRATEGIES = {"auto": PoolStrategy, "unite": PoolStrategy, "sharded": ShardedStrategy}


def device_arguments(trainer: TrainerConfig) -> dict[str, Any]:
    """Returns the arguments of Lightning's Trainer that say where it runs.

    Raises:
        ConfigError: as `unite.build.early_training.device_faults`, or if torchrun or SLURM started another number of processes than train
            together.
    """
    raise_all(device_faults(trainer))
    where: dict[str, Any] = {"accelerator": trainer.accelerator, "devices": trainer.devices, "num_nodes": trainer.num_nodes}
    # Lightning knows what `auto` and `-1` mean on this machine: asked by a Trainer that is thrown away.
    found = pl.Trainer(**where, logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
    _check_started(found.world_size)
    timeout = timedelta(minutes=trainer.timeout_minutes)
    alone = trainer.strategy == "auto" and isinstance(found.strategy, SingleDeviceStrategy)
    strategy = "auto" if alone else _STRATEGIES[trainer.strategy](timeout=timeout)
    return {**where, "strategy": strategy, "precision": PRECISIONS[str(trainer.precision)]}


def device_here(accelerator: str) -> torch.device:
    """Returns the device of this process where `trainer.accelerator` is that; of several ranks each has a GPU of its own."""
    if accelerator == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    this = started()
    return torch.device("cuda", 0 if this is None else this.local_rank % torch.cuda.device_count())


def _check_started(world_size: int) -> None:
    """Refuses processes beside one another that do not know of each other: each would train a run of its own in one folder."""
    this = started()
    if this is None:
        return
    if this.world_size != world_size:
        hint = "Give trainer.devices the number of processes on each machine and trainer.num_nodes that of machines, or start one alone."
        expected = f"{this.world_size}, the processes that {this.launcher} started"
        raise ConfigError(must_be("trainer.devices x trainer.num_nodes", expected, world_size, hint))
    if this.launcher == "srun" and not SLURMEnvironment.detect():  # Lightning would start processes of its own beside each
        hint = "Give srun another, such as --job-name=train."
        raise ConfigError(must_be("the name of the SLURM job", "another than bash or interactive", SLURMEnvironment.job_name(), hint))
