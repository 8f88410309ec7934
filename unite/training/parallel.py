"""Gradients across ranks.

    each rank    embeds its own contents, shares the pool (`pool`), scores its own rows, passes their gradient through its graphs
    all_reduce   the gradients of the parameters, summed          as if one process had done it all

The objective's parts sum to the loss of the whole pool, so gradients are summed, not averaged. A parameter that took no part on a rank (no
image there, say) counts as zero, so no rank waits for another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
import torch.distributed as dist
from pytorch_lightning.strategies import DDPStrategy
from torch import Tensor, nn
from typing_extensions import override

from unite.parting import begin_watch_of_group
from unite.processes import num_ranks
from unite.training.sharding import is_sharded


def sum_over_ranks(tensor: Tensor) -> Tensor:
    """Sums a tensor over the ranks, in place."""
    if num_ranks() > 1:
        dist.all_reduce(tensor)
    return tensor


def largest_over_ranks(numbers: Sequence[float], device: torch.device) -> list[float]:
    """Returns the largest of each of the ranks' numbers; all ranks give equally many."""
    if num_ranks() == 1:
        return list(numbers)
    said = torch.tensor(numbers, dtype=torch.float64, device=device)
    dist.all_reduce(said, op=dist.ReduceOp.MAX)
    found: list[float] = said.tolist()
    return found


def sum_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Sums the gradients over the ranks, in one message for each dtype and device. Does nothing in a single process.

    Those of sharded parameters are left: they were summed as they came about.
    """
    if num_ranks() == 1:
        return
    groups: dict[tuple[torch.dtype, torch.device], list[nn.Parameter]] = {}
    for parameter in parameters:
        if parameter.requires_grad and not is_sharded(parameter):
            groups.setdefault((parameter.dtype, parameter.device), []).append(parameter)
    for group in groups.values():
        grads = [torch.zeros_like(one) if one.grad is None else one.grad for one in group]
        flat = torch.cat([grad.reshape(-1) for grad in grads])
        sum_over_ranks(flat)
        for one, part in zip(group, torch.split(flat, [one.numel() for one in group]), strict=True):
            one.grad = part.view_as(one)


class PoolStrategy(DDPStrategy):
    """Lightning's DDP without the wrapper: the step itself shares negatives and sums gradients.

    DistributedDataParallel expects one backward pass a step and every parameter in it; the gradient cache makes many, and a rank may have
    no image. What stays of DDP: processes, checkpoints, and equal weights at the start.
    """

    strategy_name = "unite"

    @override
    def setup_distributed(self) -> None:
        super().setup_distributed()
        begin_watch_of_group(self.local_rank, self.num_processes)

    @override
    def configure_ddp(self) -> None:
        if self.model is not None:
            for value in self.model.state_dict().values():
                dist.broadcast(value, src=0)
