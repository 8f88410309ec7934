"""Association: are the candidates of one group nearer to some words than those of another group are?

WEAT (Caliskan, Bryson & Narayanan 2017, doi 10.1126/science.aal4230), between pictures and words as in Ross, Katz & Barbu 2021
(arXiv 2002.08911). Of a candidate w, of the groups X and Y and word lists A and B:

    s(w) = mean over a in A of cos(w, a) - mean over b in B of cos(w, b)
    effect = (mean of s over X - mean of s over Y) / standard deviation of s over X and Y

The effect is from -2 to 2 for groups of one size; 0.2, 0.5 and 0.8 are called small, medium and large. Deviations: p is two-sided, and
where candidates are variants of one unit they are not independent: units with both groups have their sign flipped, else units swap their
group.

Shapes: N candidates of the two groups, D dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from unite.evaluation.audit.units import interval, resample
from unite.evaluation.intervals import Interval
from unite.evaluation.significance import permutation_test, sign_flip_test

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Association:
    """Two groups and two lists of words.

    Attributes:
        effect: above 0 where the first group is nearer to the first words; `interval` is its 95% interval, the deviation held.
        p: two-sided.
        num: candidates of each group.
        num_units: units that are permuted, `is_paired` where each holds both groups.
    """

    effect: float
    interval: Interval
    p: float
    num: tuple[int, int]
    num_units: int
    is_paired: bool


def association(
    candidates: Tensor, is_first: Sequence[bool], units: Sequence[int], words: tuple[Tensor, Tensor], num_resamples: int, seed: int = 0
) -> Association:
    """Returns how much nearer the first group is to the first words than the second is.

    Args:
        candidates: (N, D) of both groups, at least two of each.
        is_first: (N,) whether each is of the first group.
        units: (N,) the unit of each.
        words: (A, D) and (B, D).
        num_resamples: of the interval.
        seed: of resamples and permutations.
    """
    scores = nearness(candidates, words)
    first, unit = np.asarray(is_first), np.unique(units, return_inverse=True)[1]
    deviation = scores.std(ddof=1)
    found = resample(scores, (~first).astype(np.int64), unit, 2, num_resamples, seed=seed)
    scale = deviation if deviation > 0 else 1.0
    low, high = interval((found.samples[:, 0] - found.samples[:, 1]) / scale)
    sums = np.stack([np.bincount(unit[of], scores[of], unit.max() + 1) for of in (first, ~first)])  # (2, U)
    counts = np.stack([np.bincount(unit[of], minlength=unit.max() + 1) for of in (first, ~first)])
    has_both = (counts > 0).all(axis=0)
    if has_both.any():
        means = sums[:, has_both] / counts[:, has_both]
        p, num_units = sign_flip_test(means[0] - means[1], seed=seed), int(has_both.sum())
    else:
        p, num_units = permutation_test(sums.sum(axis=0) / counts.sum(axis=0), counts[0] > 0, seed=seed), counts.shape[1]
    effect = float((found.values[0] - found.values[1]) / scale)
    return Association(effect, (low, high), p, (int(first.sum()), int((~first).sum())), num_units, bool(has_both.any()))


def nearness(candidates: Tensor, words: tuple[Tensor, Tensor]) -> Floats:
    """Returns s, (N,): the mean cosine with the first words minus that with the second."""
    rows = normalize(candidates.double(), dim=1)
    first, second = ((rows @ normalize(several.double(), dim=1).T).mean(dim=1) for several in words)
    scores: Floats = (first - second).cpu().numpy()
    return scores
