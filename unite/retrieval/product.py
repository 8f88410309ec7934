"""Inner products of queries and candidates in float32: one way for all that is ranked, so that equal embeddings have equal scores.

A matrix product may sum in another order at the edge of a block than inside it, or for one query than for many; what is equal then
differs in its last bit. On a CPU the products are oneDNN's (`unite.onednn`), which sums alike wherever a pair stands, and is the fastest:
measured in experiments/performance. Without oneDNN, and on a GPU, they are torch's own matrix product.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

from unite.onednn import by_onednn, product

log = logging.getLogger(__name__)
T = TypeVar("T")
#: Of a GPU's free memory, what the candidates may take there.
_SHARE_FOR_CANDIDATES = 0.5


def products(query: Tensor, candidates: Tensor, width: int) -> Iterator[tuple[int, Tensor]]:
    """Yields the inner products of queries with all candidates, block by block: the first candidate's index, and (q, c) scores.

    Call it inside `unite.precision.full_float32`.

    Args:
        query: (q, D) float32.
        candidates: (C, D), of any precision and on any device; blocks of them are moved to the queries.
        width: c, at least 1; the last block may hold fewer.
    """
    for start in range(0, len(candidates), width):
        block = candidates[start : start + width].to(query)
        num = len(block)
        if start and num < width:  # a product of another size might round otherwise
            block = F.pad(block, (0, 0, 0, width - num))
        yield start, _product(query, block)[:, :num]


def pair_products(query: Tensor, candidates: Tensor, target: Tensor, width: int) -> Tensor:
    """Returns the inner products (q, R) of queries and candidates of their own, as `products` of that width has them by oneDNN.

    Args:
        query: (q, D) float32.
        candidates: (C, D), as of `products`.
        target: (q, R) int64, which candidates; what is below 0 counts as 0.
        width: as of `products`.
    """
    width = max(1, min(width, len(candidates)))
    wanted, place = target.clamp(min=0).unique(return_inverse=True)
    wanted = torch.cat([wanted, wanted.new_zeros(-len(wanted) % width)])  # every product of that size
    score = torch.empty(target.shape, device=query.device)
    for start in range(0, len(wanted), width):
        block = _product(query, candidates[wanted[start : start + width]].to(query))
        is_here = (place >= start) & (place < start + width)
        score = torch.where(is_here, block.gather(1, (place - start).clamp(0, width - 1)), score)
    return score


def sums_alike(device: torch.device) -> bool:
    """Whether in products of one size a pair's has the same bits wherever it stands."""
    return by_onednn(torch.ones(1, device=device))


def _product(queries: Tensor, candidates: Tensor) -> Tensor:
    """Returns (q, c), which may be the view of a (c, q) matrix."""
    if not by_onednn(queries, candidates):
        return queries @ candidates.T
    return product(candidates, queries).T  # its second operand is laid out anew: the one of fewer rows


def on_device(compute: Callable[[torch.device], T], embeddings: Tensor, device: torch.device | str | None) -> T:
    """Ranks on a device; on the CPU where that one has not the memory, and says so.

    Args:
        compute: takes the device.
        embeddings: some of those that are ranked.
        device: where to; by default where the embeddings are, and if that is the CPU, on the GPU if there is one.
    """
    if device is None:
        device = torch.device("cuda") if embeddings.device.type == "cpu" and torch.cuda.is_available() else embeddings.device
    try:
        return compute(torch.device(device))
    except torch.OutOfMemoryError:
        if torch.device(device).type == "cpu":
            raise
        log.warning("%s has no memory left to rank on: it is done on the CPU", device)
    return compute(torch.device("cpu"))


def moved(candidates: Tensor, device: torch.device) -> Tensor:
    """Returns candidates on a device, or where they are if they would fill it: then a block of them is moved at a time."""
    if device.type == "cuda" and candidates.device.type == "cpu":
        free, _ = torch.cuda.mem_get_info(device)
        if candidates.numel() * candidates.element_size() > _SHARE_FOR_CANDIDATES * free:
            return candidates
    return candidates.to(device)
