"""The contrastive objectives written as slowly and plainly as they can be read, in float64, with autograd for the gradients.

Nothing here is vectorised and nothing is shared with the package: content by content, set by set, straight from the definition.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from unite.batch import Relations
from unite.types import Modality


def contrastive_loss(
    embeddings: Tensor,
    relations: Relations,
    *,
    temperature: float | Tensor,
    within_modality: bool,
    symmetric: bool,
    modality_weights: Mapping[str, float] | None = None,
    false_negative_margin: float | None = None,
    margin_spares_hand_made: bool = True,
    hardness: float = 0.0,
    hardness_on: str = "all",
    query_query: bool = False,
    candidate_candidate: bool = False,
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

    def term(anchor: int, target: int, compared: list[tuple[int, int, bool]]) -> tuple[Tensor, list[float]]:
        """One -log softmax of the pair against what else is compared: (one, other, whether other is the row's own hand-made negative).

        And the similarities that stayed.
        """
        own = similarity[anchor, target]
        logits, kept = [own / temperature], []
        for one, other, is_hand_made in compared:
            found = similarity[one, other]
            is_spared = is_hand_made and margin_spares_hand_made
            if false_negative_margin is not None and not is_spared and found.item() > own.item() + false_negative_margin:
                continue
            kept.append(found.item())
            weight = hardness if hardness_on == "all" or is_hand_made else 0.0
            logits.append(found / temperature + weight * found.detach())
        return -torch.log_softmax(torch.stack(logits), dim=0)[0], kept

    def rivals(pool: list[int], same_as_row: set[int], also_right: set[int], kind: int) -> list[int]:
        """The contents of a pool that are neither the same as the row nor right as well, of a modality where that is asked for."""
        kept = [other for other in pool if other not in also_right and identity[other] not in same_as_row]
        return [other for other in kept if not within_modality or modality[other] == kind]

    loss = embeddings.double().sum() * 0
    correct, similar, counts = [], [], []
    for row in range(len(queries)) if rows is None else rows:
        query = queries[row]
        same_as_row = {identity[query], *(identity[positive] for positive in positives[row])}
        for positive in positives[row]:
            share = weight(positive) / len(positives[row]) / total_weight
            right = {p for other, its in enumerate(positives) if queries[other] == query for p in its}
            against = rivals(all_candidates, same_as_row, right, modality[positive])
            compared = [(query, other, other in negatives[row]) for other in against]
            if candidate_candidate:
                compared += [(positive, other, other in negatives[row]) for other in against]
            if query_query:
                sharing = {queries[other] for other, its in enumerate(positives) if right & set(its)}
                compared += [(query, other, False) for other in rivals(all_queries, same_as_row, sharing, modality[query])]
            forward, kept = term(query, positive, compared)
            correct.append(all(similarity[query, positive].item() > found for found in kept))
            similar.append(similarity[query, positive].item())
            counts.append(len(kept))
            if symmetric:
                askers = {queries[other] for other, its in enumerate(positives) if positive in its}
                asking = rivals(all_queries, same_as_row, askers, modality[query])
                backward, _ = term(positive, query, [(positive, other, False) for other in asking])
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
