"""The processes that work together: how many there are, which one this is, and the group of those that torchrun started."""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from unite.errors import ConfigError, must_be

#: The launcher of processes that one command started by itself (`trainer.devices=8`).
LIGHTNING = "lightning"


@dataclass(frozen=True)
class Started:
    """What started this process: of torchrun and srun known before the processes know each other.

    Attributes:
        launcher: `torchrun`, `srun` or `LIGHTNING`.
        rank, world_size: among all processes, of all machines.
        local_rank, local_world_size: among those of this machine.
    """

    launcher: str
    rank: int
    world_size: int
    local_rank: int
    local_world_size: int


def started() -> Started | None:
    """Returns what torchrun or srun says of this process; None where neither started several."""
    env = os.environ
    if "TORCHELASTIC_RUN_ID" in env:
        return Started("torchrun", *(int(env[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")))
    if "SLURM_PROCID" in env and int(env.get("SLURM_STEP_NUM_TASKS", "1")) > 1:  # of srun; sbatch alone starts one
        world_size = int(env["SLURM_STEP_NUM_TASKS"])
        per_machine = int(env.get("SLURM_NTASKS_PER_NODE", world_size))
        return Started("srun", int(env["SLURM_PROCID"]), world_size, int(env["SLURM_LOCALID"]), per_machine)
    return None


@functools.cache
def job_store() -> Any | None:
    """Returns the store (a `torch.distributed.Store`) by which the processes that torchrun or srun started know each other.

    None where there is one process, or Lightning is yet to start the others. Of torchrun its agent on the first machine keeps the store,
    of srun the first process; the process group that is made later takes the same address.
    """
    this = started()
    if this is None or this.world_size == 1:
        return None
    if this.launcher == "torchrun":
        from torch.distributed.rendezvous import rendezvous

        return next(iter(rendezvous("env://")))[0]
    from torch.distributed import TCPStore  # type: ignore[attr-defined]

    return TCPStore(*_slurm_address(), this.world_size, is_master=this.rank == 0, wait_for_workers=False, multi_tenant=True)


def _slurm_address() -> tuple[str, int]:
    """Returns where Lightning has the processes of srun meet: the first machine of the job, at a port made of the job's number."""
    from lightning_fabric.plugins.environments.slurm import SLURMEnvironment

    environment = SLURMEnvironment(auto_requeue=False)
    return environment.main_address, environment.main_port


def is_first_started() -> bool:
    """Returns whether this process is the first of those that torchrun, SLURM or Lightning started; told before they know each other."""
    return next((os.environ[name] for name in ("RANK", "SLURM_PROCID", "LOCAL_RANK") if name in os.environ), "0") == "0"


def num_ranks() -> int:
    """Returns how many processes work together; 1 without torch.distributed."""
    if "torch" not in sys.modules:  # whoever joins a group imports it; nobody else has to wait for it
        return 1
    import torch.distributed as dist

    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Returns which of the processes that work together this is; 0 without torch.distributed."""
    if num_ranks() == 1:
        return 0
    import torch.distributed as dist

    return dist.get_rank()


def is_first_rank() -> bool:
    """Returns whether this process is the one that writes and prints."""
    return rank() == 0


@contextmanager
def joined_ranks(device: str) -> Iterator[None]:
    """Joins the processes that torchrun or srun started into one group, each with a GPU of its own if there are any; alone, does nothing.

    The group's backend is gloo: evaluation exchanges embeddings on the CPU.

    Args:
        device: as it was asked for: `auto`, `cpu`, `cuda`, `cuda:1`.

    Raises:
        ConfigError: if there are more processes than GPUs.
    """
    this = started()
    if this is None:
        yield
        return
    import torch
    import torch.distributed as dist

    if device in ("auto", "cuda") and torch.cuda.is_available():
        _take_gpu(this.local_rank, this.local_world_size, torch.cuda.device_count())
    # A rank whose contents are all cached waits for one that embeds for hours. One that is lost is found by `unite.watch`.
    timeout = timedelta(hours=24)
    store = job_store()
    if this.launcher == "torchrun" or store is None:
        dist.init_process_group("gloo", timeout=timeout)
    else:
        of_group = dist.PrefixStore("group", store)  # type: ignore[attr-defined]
        dist.init_process_group("gloo", timeout=timeout, store=of_group, rank=this.rank, world_size=this.world_size)
    if not is_first_rank():
        logging.getLogger("unite").setLevel(logging.WARNING)
    try:
        yield
    finally:
        dist.destroy_process_group()


def _take_gpu(rank: int, num_processes: int, num_gpus: int) -> None:
    import torch

    if num_processes > num_gpus:
        hint = "Give torchrun a smaller --nproc-per-node (srun --ntasks-per-node), or the command device=cpu."
        raise ConfigError(must_be("the number of processes on this machine", f"at most {num_gpus}, one a GPU", num_processes, hint))
    torch.cuda.set_device(rank)
