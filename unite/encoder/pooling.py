"""One vector of many."""

from __future__ import annotations

import torch
from torch import Tensor


def last_positions(attention_mask: Tensor) -> Tensor:
    """Returns where each content's last token is, (n,), given the mask (n, L), 1 on tokens; padding may be on either side."""
    return (attention_mask * torch.arange(attention_mask.shape[1], device=attention_mask.device)).argmax(dim=1)


def states_at(hidden: Tensor, places: Tensor) -> Tensor:
    """Returns the states (n, ...) of (n, L, ...) at one place (n,) each."""
    return hidden[torch.arange(len(hidden), device=hidden.device), places]
