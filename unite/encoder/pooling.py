"""One vector of many."""

from __future__ import annotations

import torch
from torch import Tensor


def last_positions(attention_mask: Tensor) -> Tensor:
    """Returns where each content's last token is, (n,), given the mask (n, L), 1 on tokens; padding may be on either side."""
    return (attention_mask * torch.arange(attention_mask.shape[1], device=attention_mask.device)).argmax(dim=1)


def last_token(hidden: Tensor, attention_mask: Tensor) -> Tensor:
    """Returns the state of each content's last token, (n, D), of states (n, L, D) and mask (n, L)."""
    return hidden[torch.arange(len(hidden), device=hidden.device), last_positions(attention_mask)]
