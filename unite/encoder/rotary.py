"""The rotation of queries and keys by their positions, shared by the vision tower's and the language model's fast paths."""

from __future__ import annotations

import torch
from torch import Tensor


def signed(sin: Tensor) -> Tensor:
    """Returns the sine (..., d) with its first half negated, as `rotate` takes it. Both halves are equal."""
    half = sin[..., : sin.shape[-1] // 2]
    return torch.cat([-half, half], dim=-1)


def rotate(states: Tensor, cos: Tensor, signed_sin: Tensor) -> Tensor:
    """Returns the states turned by the angles (RoFormer, arXiv 2104.09864, equation 34, with halves for pairs).

    The halves change places by a flip, whose backward pass is a flip; slices would have to be filled up with zeros.

    Args:
        states: (..., d).
        cos, signed_sin: broadcast to (..., d).
    """
    swapped = states.unflatten(-1, (2, -1)).flip(-2).flatten(-2)
    return torch.addcmul(states * cos, swapped, signed_sin)
