"""The contrastive objectives written as slowly and plainly as they can be read, in float64, with autograd for the gradients.

Nothing here is vectorised and nothing is shared with the package: content by content, set by set, straight from the definition.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from unite.types import Modality, Relations


def contrastive_loss(
    embeddings: Tensor,
    relations: Relations,
    *,
    temperature: float | Tensor,
    within_modality: bool,
    symmetric: bool,
    modality_weights: Mapping[str, float] | None = None,
    false_negative_margin: float | None = None,
    hardness: float = 0.0,
    rows: list[int] | None = None,
) -> tuple[Tensor, dict[str, float]]:
    """Returns the loss (float64 scalar, with a graph) and the metrics of the query -> candidate direction."""
    similarity = embeddings.double() @ embeddings.double().T
    fingerprint, identity, modality = relations.fingerprint.tolist(), relations.identity.tolist(), relations.modality.tolist()

    def first(content: int) -> int:
        """The content that stands for all with this fingerprint."""
        return fingerprint.index(fingerprint[content])

    queries = [first(content) for content in relations.query.tolist()]
    positives = [[first(content) for content in row if content >= 0] for row in relations.positive.tolist()]
    negatives = [[first(content) for content in row if content >= 0] for row in relations.negative.tolist()]
    all_candidates = sorted({content for row in positives + negatives for content in row})
    all_queries = sorted(set(queries))

    def weight(positive: int) -> float:
        return (modality_weights or {}).get(str(Modality(modality[positive])), 1.0)

    # A row weighs the mean of its positives' weights: shared equally among its positives.
    total_weight = sum(sum(weight(positive) for positive in row) / len(row) for row in positives)

    def term(anchor: int, target: int, pool: list[int], same_as_row: set[int], also_right: set[int]) -> tuple[Tensor, list[int]]:
        """One -log softmax, and the negatives in it."""
        kept = []
        for other in pool:
            if other in (anchor, target) or other in also_right or identity[other] in same_as_row:
                continue
            if within_modality and modality[other] != modality[target]:
                continue
            limit = float("inf") if false_negative_margin is None else similarity[anchor, target].item() + false_negative_margin
            if similarity[anchor, other].item() > limit:
                continue
            kept.append(other)
        own = similarity[anchor, target] / temperature
        others = [similarity[anchor, other] / temperature + hardness * similarity[anchor, other].detach() for other in kept]
        return -torch.log_softmax(torch.stack([own, *others]), dim=0)[0], kept

    loss = embeddings.double().sum() * 0
    correct, similar, counts = [], [], []
    for row in range(len(queries)) if rows is None else rows:
        query = queries[row]
        same_as_row = {identity[query], *(identity[positive] for positive in positives[row])}
        for positive in positives[row]:
            share = weight(positive) / len(positives[row]) / total_weight
            right = {p for other, its in enumerate(positives) if queries[other] == query for p in its}
            forward, kept = term(query, positive, all_candidates, same_as_row, right)
            correct.append(all(similarity[query, positive].item() > similarity[query, other].item() for other in kept))
            similar.append(similarity[query, positive].item())
            counts.append(len(kept))
            if symmetric:
                askers = {queries[other] for other, its in enumerate(positives) if positive in its}
                backward, _ = term(positive, query, all_queries, same_as_row, askers)
                loss = loss + share * (forward + backward) / 2
            else:
                loss = loss + share * forward
    num_terms = max(len(counts), 1)
    metrics = {
        "accuracy": sum(correct) / num_terms,
        "positive_similarity": sum(similar) / num_terms,
        "num_negatives": sum(counts) / num_terms,
        "share_without_negatives": counts.count(0) / num_terms,
    }
    return loss, metrics
