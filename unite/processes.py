"""The processes that work together: how many there are, which one this is, and the group of those that torchrun started."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from unite.errors import ConfigError, must_be


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
    """Joins the processes that torchrun started into one group, each with a GPU of its own if there are any; alone, does nothing.

    The group's backend is gloo: evaluation exchanges embeddings on the CPU.

    Args:
        device: as it was asked for: `auto`, `cpu`, `cuda`, `cuda:1`.

    Raises:
        ConfigError: if there are more processes than GPUs.
    """
    import torch
    import torch.distributed as dist

    if not (dist.is_available() and dist.is_torchelastic_launched()):
        yield
        return
    if device in ("auto", "cuda") and torch.cuda.is_available():
        _take_gpu(int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"]), torch.cuda.device_count())
    # A rank whose contents are all cached waits for one that embeds for hours.
    dist.init_process_group("gloo", timeout=timedelta(hours=24))
    if not is_first_rank():
        logging.getLogger("unite").setLevel(logging.WARNING)
    try:
        yield
    finally:
        dist.destroy_process_group()


def _take_gpu(rank: int, num_processes: int, num_gpus: int) -> None:
    import torch

    if num_processes > num_gpus:
        hint = "Give torchrun a smaller --nproc-per-node, or the command device=cpu."
        raise ConfigError(must_be("the number of processes on this machine", f"at most {num_gpus}, one a GPU", num_processes, hint))
    torch.cuda.set_device(rank)
