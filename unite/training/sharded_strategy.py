"""How Lightning trains with weights that are sharded over the ranks: `trainer.strategy=sharded`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import FSDPModule
from typing_extensions import override

from unite.errors import CheckpointError, ConfigError, must_be
from unite.training.parallel import PoolStrategy
from unite.training.sharded_checkpoint import read_in_parts, write_in_parts
from unite.training.sharding import shard


class ShardedStrategy(PoolStrategy):
    """The strategy `unite`, with the encoder's weights, their gradients and the optimizer's state sharded over the ranks.

    The weights are sharded before an optimizer is built, and checkpoints are written and read in parts.
    """

    strategy_name = "sharded"
    _mesh: DeviceMesh

    def __init__(self, **options: Any) -> None:
        """Takes the options of Lightning's DDPStrategy.

        Raises:
            ConfigError: if torch is too old to shard weights as the step needs it.
        """
        if not hasattr(FSDPModule, "set_force_sum_reduction_for_comms"):
            hint = "Update torch, or take trainer.strategy=unite."
            raise ConfigError(must_be("torch for trainer.strategy=sharded", "2.9 or newer", torch.__version__, hint))
        super().__init__(**options)

    @override
    def model_to_device(self) -> None:
        module: Any = self.lightning_module
        self._mesh = init_device_mesh(self.root_device.type, (self.world_size,))
        shard(module.encoder, self._mesh)
        module.to(self.root_device)

    @override
    def configure_ddp(self) -> None:
        """Gives all ranks the first one's objective; a sharded weight is one over all ranks from the beginning."""
        module: Any = self.lightning_module
        for value in module.objective.state_dict().values():
            dist.broadcast(value, src=0)

    @property
    @override
    def restore_checkpoint_after_setup(self) -> bool:
        return True  # when it is known which part is ours

    @override
    def save_checkpoint(self, checkpoint: dict[str, Any], filepath: Any, storage_options: Any = None) -> None:
        write_in_parts(checkpoint, Path(filepath))

    @override
    def load_checkpoint(self, checkpoint_path: Any, weights_only: bool | None = None) -> dict[str, Any]:
        return read_in_parts(Path(checkpoint_path), self._mesh)


def is_sharded_run(trainer: pl.Trainer) -> bool:
    """Whether a trainer shards the weights."""
    return isinstance(trainer.strategy, ShardedStrategy)


def check_strategy(trainer: pl.Trainer, checkpoint: Path) -> None:
    """Refuses a checkpoint in parts where weights are not sharded, and one in a file where they are.

    Raises:
        CheckpointError: in that case.
    """
    if is_sharded_run(trainer) != checkpoint.is_dir():
        expected, found = ("sharded", "another") if checkpoint.is_dir() else ("unite or auto", "sharded")
        hint = "The parts of a sharded checkpoint are read by a sharded run alone, of any number of ranks."
        raise CheckpointError(must_be("trainer.strategy of the resumed run", f"{expected}, as of {checkpoint}", found, hint))
