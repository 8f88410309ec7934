"""Negatives and gradients across ranks.

    each rank    embeds its own contents                                    (U_r, D)
    all_gather   embeddings and relations; counts may differ by rank        (U, D), U = sum of U_r
    each rank    scores its own rows against all candidates                 its part of the loss and of the gradient (U, D)
    all_reduce   the gradient at the embeddings, each rank keeps its rows   (U_r, D)
    all_reduce   the gradients of the parameters, summed                    as if one process had done it all

The objective's parts sum to the loss of the whole pool, so gradients are summed, not averaged. A parameter that took no part on a rank (no
image there, say) counts as zero, so no rank waits for another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.distributed as dist
from pytorch_lightning.strategies import DDPStrategy
from torch import Tensor, nn
from typing_extensions import override

from unite.batch import Relations
from unite.processes import num_ranks
from unite.training.sharding import is_sharded


@dataclass(frozen=True, eq=False)
class Pool:
    """The contents of all ranks, and which are ours.

    Attributes:
        embeddings: (U, D) of all ranks, in the order of the ranks; a leaf.
        relations: over all of them.
        rows: (B_r,) the rows of this rank in `relations`; None in a single process, where it is all of them.
        first_row: the first of them.
        ours: the slice of `embeddings` that this rank embedded.
    """

    embeddings: Tensor
    relations: Relations
    rows: Tensor | None
    first_row: int
    ours: slice


def gather_pool(embeddings: Tensor, relations: Relations) -> Pool:
    """Gathers the contents of all ranks; in a single process they are the pool already.

    Args:
        embeddings: (U_r, D) of this rank, detached; U_r may differ by rank.
        relations: over them.
    """
    if num_ranks() == 1:
        return Pool(embeddings, relations, None, 0, slice(None))
    shape = torch.tensor(
        [len(embeddings), relations.num_rows, relations.positive.shape[1], relations.negative.shape[1]], device=embeddings.device
    )
    shapes = [torch.empty_like(shape) for _ in range(num_ranks())]
    dist.all_gather(shapes, shape)
    contents, rows, positives, negatives = torch.stack(shapes).cpu().T.tolist()
    rank = dist.get_rank()
    offset = sum(contents[:rank])

    def shifted(index: Tensor) -> Tensor:
        return torch.where(index < 0, index, index + offset)

    gathered = Relations(
        query=_gather(shifted(relations.query), rows),
        positive=_gather(_widen(shifted(relations.positive), max(positives)), rows),
        negative=_gather(_widen(shifted(relations.negative), max(negatives)), rows),
        modality=_gather(relations.modality, contents),
        fingerprint=_gather(relations.fingerprint, contents),
        identity=_gather(relations.identity, contents),
    )
    first = sum(rows[:rank])
    ours = torch.arange(first, first + rows[rank], device=embeddings.device)
    return Pool(_gather(embeddings, contents), gathered, ours, first, slice(offset, offset + contents[rank]))


def sum_over_ranks(tensor: Tensor) -> Tensor:
    """Sums a tensor over the ranks, in place."""
    if num_ranks() > 1:
        dist.all_reduce(tensor)
    return tensor


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
    """Lightning's DDP without the wrapper: the step itself gathers negatives and sums gradients.

    DistributedDataParallel expects one backward pass a step and every parameter in it; the gradient cache makes many, and a rank may have
    no image. What stays of DDP: processes, checkpoints, and equal weights at the start.
    """

    strategy_name = "unite"

    @override
    def configure_ddp(self) -> None:
        if self.model is not None:
            for value in self.model.state_dict().values():
                dist.broadcast(value, src=0)


def _gather(tensor: Tensor, counts: list[int]) -> Tensor:
    """Concatenates the ranks' tensors along the first dimension, (sum of counts, ...)."""
    padded = tensor.new_zeros((max(counts), *tensor.shape[1:]))
    padded[: len(tensor)] = tensor
    parts = [torch.empty_like(padded) for _ in counts]
    dist.all_gather(parts, padded)
    return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])


def _widen(index: Tensor, width: int) -> Tensor:
    return nn.functional.pad(index, (0, width - index.shape[1]), value=-1)
