"""False negatives by margin: candidates that score clearly above the positive are probably right answers too.

Source: Qwen3-VL-Embedding (arXiv 2601.04720) drops a negative whose similarity exceeds the positive's by more than 0.1. The other half of
its rule, "or the same document", is always on here: the identity rule of `unite.objective.masks`.

A row's own hand-made negatives are spared (`margin_spares_hand_made`): they were chosen for being near and wrong, and dropping what scores
high would drop the very hardest of them, gradient and all.
"""

from __future__ import annotations

import math

from torch import Tensor


def drop_above_margin_(similarities: Tensor, positive: Tensor, margin: float) -> None:
    """Sets to -inf, in place, each similarity above that row's positive's + margin. No gradient passes through the choice.

    Args:
        similarities: (T, C), of T anchors with C targets.
        positive: (T,), of each anchor with its own target.
        margin: in units of cosine.
    """
    similarities.masked_fill_(similarities > (positive + margin)[:, None], -math.inf)
