"""Positions of tokens in the language model, for a whole micro-batch at once.

M-RoPE (Qwen2-VL, arXiv 2409.12191, section 2.1) gives a token three positions: time, height, width. For text they are equal and count up;
a medium's tokens spread over its grid, and the text after it goes on past its largest side. The same numbers as transformers'
`get_rope_index`, without its loop over contents and media.

Shapes: n contents, L tokens, M media, R runs (unbroken rows of visual tokens).
"""

from __future__ import annotations

import torch
from torch import Tensor


def sequential_positions(attention_mask: Tensor) -> Tensor:
    """Returns (3, n, L) plain positions, equal on the three axes: what UNITE's released checkpoints were trained with."""
    return (attention_mask.cumsum(-1) - 1).clamp(min=0).expand(3, -1, -1)


def mrope_positions(attention_mask: Tensor, token_types: Tensor, grids: Tensor, intervals: Tensor, merge_size: int) -> Tensor:
    """Returns (3, n, L) positions on the time, height and width axis; 0 on padding.

    Args:
        attention_mask: (n, L), 1 on tokens; padding is on the right.
        token_types: (n, L), 0 on text, above 0 on visual tokens.
        grids: (R, 3) patches in time, height and width of each run, in the order of the runs.
        intervals: (R,) float, positions on the time axis from one patch in time to the next.
        merge_size: patches that one token stands for, along height and along width.
    """
    visual = (token_types > 0) & (attention_mask > 0)
    starts = visual.clone()
    starts[:, 1:] &= ~visual[:, :-1]
    start_at = starts.flatten().nonzero().squeeze(1)
    run = starts.flatten().cumsum(0)[visual.flatten()] - 1
    height, width = (grids[:, 1:3] // merge_size).unbind(1)

    advance = (attention_mask * ~visual).masked_scatter(starts, torch.maximum(height, width))
    position = (advance.cumsum(1) - advance) * attention_mask
    base = position.flatten()[start_at]
    inside = visual.flatten().nonzero().squeeze(1) - start_at[run]
    time = (inside // (height * width)[run]).float() * intervals[run]
    place = torch.stack([time.long(), inside // width[run] % height[run], inside % width[run]])
    return position.expand(3, -1, -1).masked_scatter(visual.expand(3, -1, -1), place + base[run])
