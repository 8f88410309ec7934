"""Contents that are not passed a second time, since next to nothing of the gradient comes of them (`trainer.negligible_gradient`).

    U contents -> their rows of the loss's gradient at the embeddings, G (U, D)
    those whose rows are shortest, so many that   sum of their norms <= bound * sum of all norms

A content gives the weights J_i^T g_i, its row through its own Jacobian. Where the Jacobians are alike in size, what is lost is at most the
bound times what all contents give, one by one; that is a bound on the relative error so far as they do not cancel, which
`benchmarks.negligible` measures. Late in training most pairs are told apart with ease, and their rows are short.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from unite.batch import MicroBatch
from unite.errors import ConfigError, must_be
from unite.processes import num_ranks


class LeftOut(NamedTuple):
    """What was left out of a step.

    Attributes:
        needed: (U,) bool, the contents that are not.
        contents: the share of the contents, 0 to 1, scalar.
        gradient: the share of the sum of the norms that their rows have, at most the bound.
    """

    needed: Tensor
    contents: Tensor
    gradient: Tensor

    @property
    def told(self) -> dict[str, Tensor]:
        """For the log: this rank's share of the mean over the ranks."""
        return {"negligible_contents": self.contents / num_ranks(), "negligible_gradient": self.gradient / num_ranks()}


def check_negligible(bound: float) -> float:
    """Returns `trainer.negligible_gradient`.

    Raises:
        ConfigError: if it is not a share.
    """
    if not 0 <= bound < 1:
        raise ConfigError(must_be("trainer.negligible_gradient", "at least 0, which leaves nothing out, and below 1", bound))
    return bound


def left_out(gradient: Tensor, replayed: Sequence[MicroBatch], bound: float) -> LeftOut:
    """Chooses what is left out.

    Args:
        gradient: (U, D) of the loss at the embeddings.
        replayed: micro-batches that are to be passed again; the contents of others stay, their graphs are there.
        bound: see `check_negligible`.
    """
    norms = gradient.float().norm(dim=-1)
    can_be = torch.zeros(len(norms), dtype=torch.bool, device=norms.device)
    for micro in replayed:
        can_be[micro.contents] = True
    order = norms.masked_fill(~can_be, float("inf")).argsort()
    is_left = can_be[order] & (norms[order].cumsum(0) <= bound * norms.sum())
    needed = torch.ones_like(can_be)
    needed[order] = ~is_left
    whole = norms.sum().clamp_min(torch.finfo(norms.dtype).tiny)
    return LeftOut(needed, (~needed).float().mean(), norms[~needed].sum() / whole)


def in_groups(micro_batches: Sequence[MicroBatch], most_tokens: int) -> Iterator[list[MicroBatch]]:
    """Yields them in order, so many at a time that together they have at most so many tokens; one that has more alone."""
    group: list[MicroBatch] = []
    tokens = 0
    for micro in micro_batches:
        if group and tokens + micro.input_ids.numel() > most_tokens:
            yield group
            group, tokens = [], 0
        group.append(micro)
        tokens += micro.input_ids.numel()
    if group:
        yield group
