"""What a metric does not tell: how embeddings, of several modalities too, lie in their space.

Shapes: N embeddings of D dimensions, L2-normalised; Q queries, C candidates.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from unite.errors import DataError, must_be
from unite.retrieval.topk import search


def modality_gap(first: Tensor, second: Tensor) -> float:
    """Returns the distance between the centres of two modalities, 0 to 2 (Liang et al. 2022, arXiv 2203.02053).

    Args:
        first: (N, D) embeddings of the one modality.
        second: (M, D) those of the other.
    """
    return float((first.double().mean(dim=0) - second.double().mean(dim=0)).norm())


def alignment(first: Tensor, second: Tensor, alpha: float = 2.0) -> float:
    """Returns the mean distance of positive pairs to the power alpha; 0 is best (Wang & Isola 2020, arXiv 2005.10242, section 4.1.2).

    Args:
        first: (N, D) queries.
        second: (N, D) the positive of each.
        alpha: 2 in the paper.
    """
    if first.shape != second.shape:
        raise DataError(must_be("the pairs", "two matrices of one shape", f"{tuple(first.shape)} and {tuple(second.shape)}"))
    return float((first.double() - second.double()).norm(dim=1).pow(alpha).mean())


def uniformity(embeddings: Tensor, t: float = 2.0, chunk: int = 1024) -> float:
    """Returns the log of the mean Gaussian potential over all pairs of different rows; lower is more uniform, 0 is collapsed.

    Wang & Isola 2020, section 4.1.2. Where rows may be equal contents, remove them beforehand.

    Args:
        embeddings: (N, D), at least two.
        t: 2 in the paper.
        chunk: rows compared at a time, for bounded memory.
    """
    if len(embeddings) < 2:
        raise DataError(must_be("embeddings", "at least two rows", len(embeddings)))
    rows = embeddings.double()
    norms = rows.square().sum(dim=1)
    total = 0.0
    for start in range(0, len(rows), chunk):
        part = slice(start, start + chunk)
        squared = (norms[part, None] + norms[None] - 2 * rows[part] @ rows.T).clamp(min=0)
        potential = (-t * squared).exp()
        # A row is no pair with itself.
        total += float(potential.sum() - potential.diagonal(start).sum())
    return math.log(total / (len(rows) * (len(rows) - 1)))


def effective_rank(embeddings: Tensor) -> float:
    """Returns how many dimensions the embeddings fill: exp of the entropy of the singular values as shares of their sum.

    Roy & Vetterli 2007, "The effective rank", definition 1. From 1 (all rows on one line) to min(N, D) (all singular values equal). The
    rows are not centred, as in RankMe (Garrido et al. 2023, arXiv 2210.02885).

    Args:
        embeddings: (N, D), at least one that is not zero.
    """
    rows = embeddings.double()
    # Of the smaller Gram matrix, in float64: its eigenvalues are the squares of the singular values.
    gram = rows @ rows.T if len(rows) < rows.shape[1] else rows.T @ rows
    singular = torch.linalg.eigvalsh(gram).clamp(min=0).sqrt()
    shares = singular / singular.sum()
    return float(torch.special.entr(shares).sum().exp())


def linear_cka(first: Tensor, second: Tensor) -> float:
    """Returns how alike two encoders arrange the same contents: linear centred kernel alignment, 0 to 1.

    Kornblith et al. 2019, arXiv 1905.00414, section 3: `|Y'X|^2 / (|X'X| |Y'Y|)` in Frobenius norms, of centred columns. 1 is the same
    arrangement but for a rotation and one scale, which no ranking by cosine sees but for the shift of the centre. With few contents it is
    biased upwards: two encoders that have nothing in common reach about D / N, so that values compare at one N alone.

    Args:
        first: (N, D) embeddings of the contents by the one encoder.
        second: (N, E) of the same contents, in the same order, by the other.

    Raises:
        DataError: if they are not of as many contents, or all contents of one have the same embedding.
    """
    if len(first) != len(second):
        raise DataError(must_be("the contents", "as many for both encoders", f"{len(first)} and {len(second)}"))
    centred = [rows.double() - rows.double().mean(dim=0) for rows in (first, second)]
    norms = [float((rows.T @ rows).norm()) for rows in centred]
    if not all(norm > 0 for norm in norms):
        raise DataError(must_be("the embeddings of an encoder", "of different contents, not all equal", "one and the same"))
    return float((centred[1].T @ centred[0]).norm().square()) / (norms[0] * norms[1])


def hit_modalities(
    queries: Tensor,
    candidates: Tensor,
    modality: Tensor,
    k: int = 10,
    itself: Tensor | None = None,
    device: torch.device | None = None,
) -> Tensor:
    """Returns the modality of each of the k best hits of a mixed pool, (Q, k) of `Modality.value`.

    Args:
        queries: (Q, D).
        candidates: (C, D) of several modalities.
        modality: (C,) `Modality.value` of each candidate; a fusion is a modality of its own.
        k: how many hits to look at.
        itself: (Q,) the candidate that is the query itself, -1 where none is. It is no hit: a content is always nearest to itself.
        device: where to search; on a GPU if there is one by default.

    Raises:
        DataError: if the pool holds fewer than k candidates beside the query itself.
    """
    needed = k + (itself is not None)
    if len(candidates) < needed:
        raise DataError(must_be("a mixed pool", f"at least {needed} large, for {k} hits beside the query itself", len(candidates)))
    if itself is None:
        _, hits = search(queries, candidates, k, device=device)
    else:
        _, hits = search(queries, candidates, k + 1, device=device)
        # Of k + 1 hits the query itself falls out, or, where it is not among them, the last one.
        is_kept = hits != itself.to(hits.device)[:, None]
        is_kept[:, -1] &= ~is_kept.all(dim=1)
        hits = hits[is_kept].view(-1, k)
    return modality.to(hits.device)[hits]
