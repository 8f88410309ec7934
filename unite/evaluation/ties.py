"""Whether the order of equal scores decides: of all candidates, of the right ones. A metric that it decides is no measure of the encoder.

Candidates of one embedding have one score for every query. They are found without a score: by a few dimensions, and where these are equal
by all.

Shapes: Q queries, C candidates, D dimensions, P candidates in a pool, R right ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from unite.evaluation.tasks import RetrievalTask

#: Numbers looked at in one pass.
_ELEMENTS = 2**22
#: Dimensions that tell most candidates apart.
_FIRST = 8


@dataclass(frozen=True)
class Tied:
    """What equal embeddings make of a task.

    Attributes:
        num_queries: queries of which a right candidate has the embedding of a wrong one that it is ranked against.
        everything: whether all candidates that a query is ranked against have one embedding, for every query.
    """

    num_queries: int = 0
    everything: bool = False


def tied(task: RetrievalTask, candidates: Tensor) -> Tied:
    """Looks for candidates of one embedding.

    Args:
        candidates: (C, D) embeddings, in the order of the task.
    """
    known_as = _hashes(candidates[:, :_FIRST])
    groups, counts = np.unique(known_as, return_inverse=True, return_counts=True)[1:]
    alike = (counts[groups] > 1).nonzero()[0]
    known_as[alike] = _hashes(candidates[torch.from_numpy(alike)])
    groups, counts = np.unique(known_as, return_inverse=True, return_counts=True)[1:]
    if len(counts) == len(groups):
        return Tied()
    groups = groups[task.tie_order]
    targets = task.targets().numpy()
    right = np.where(targets < 0, -1, groups[targets])
    members = task.pool_members()
    pools = None if members is None else np.where(members.numpy() < 0, -1, groups[members.numpy()])
    found = np.zeros(len(targets), dtype=bool)
    for group in right.T:  # a column at a time: (Q, R, P) comparisons would not fit
        equal = counts[group] if pools is None else (pools == group[:, None]).sum(axis=1)
        found |= (group >= 0) & (equal > (right == group[:, None]).sum(axis=1))
    one_each = len(counts) == 1 if pools is None else ((pools == pools[:, :1]) | (pools < 0)).all()
    return Tied(int(found.sum()), bool(one_each) and max(task.pool_sizes) > 1)


def _hashes(embeddings: Tensor) -> np.ndarray:
    """Returns (C,) int64 hashes; equal rows have equal ones, whichever way the rows are cut into blocks."""
    weights = torch.from_numpy(np.random.default_rng(0).integers(-(2**63), 2**63 - 1, embeddings.shape[1]) | 1)
    rows = max(1, _ELEMENTS // embeddings.shape[1])
    parts = [
        # + 0.0 makes one zero of two. Whole numbers wrap around, so their sums are exact.
        ((part.cpu().float() + 0.0).contiguous().view(torch.int32).long() * weights).sum(dim=1)
        for part in embeddings.split(rows)
    ]
    return torch.cat(parts).numpy() if parts else np.empty(0, np.int64)
