"""Hardness weights: the more a negative resembles the query, the more it counts.

Source: LLaVE (arXiv 2503.04812, Eq. 4 and 5). Each negative in the sum weighs w_qc = exp(a * sg(s_qc)), where a is the hardness and sg
stops the gradient:

    loss(q, p) = -log( exp(s_qp / t) / (exp(s_qp / t) + sum over c of exp(s_qc / t + a * sg(s_qc))) )

The paper uses a = 9 with t = 0.02; a = 0 is the plain loss. The gradient at s_qc is the softmax over these weighted logits, divided by t
alone.

With `hardness_on=hand_made` only a row's own hand-made negatives are weighted (`hardness_mode` of sentence-transformers' losses tells the
same two apart), and w = 1 for the others.
"""

from __future__ import annotations

from torch import Tensor


def negative_scale(inverse_temperature: Tensor, hardness: float) -> Tensor:
    """Returns what a negative's similarity is multiplied by to give its weighted logit: s / t + a s."""
    return inverse_temperature + hardness
