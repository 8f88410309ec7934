"""What smaller vectors cost: how many of the nearest by exact vectors are found by those that are kept, on a sample of the corpus."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from unite.search.corpus.stored import StoredCorpus

#: The k of recall@k, and rows of the sample that are queries.
K, _QUERIES = 10, 500


def measure_recall(corpus: StoredCorpus) -> tuple[float, int] | None:
    """Returns the recall@10 of the vectors that a corpus keeps against float32, and the rows it was measured among.

    Each query is a row of the sample, by its exact vector, and looks for the others. None where fewer than K + 1 exact vectors are known.
    """
    exact = {row["id"]: (row["fingerprint"], row["exact"]) for row in corpus.exact().to_pylist()}
    kept: list[NDArray[np.float32]] = []
    ids: list[str] = []
    for batch in corpus.batches(["id", "fingerprint", "vector"]):
        pairs = zip(batch.column("id").to_pylist(), batch.column("fingerprint").to_pylist(), strict=True)
        chosen = [place for place, (id, fingerprint) in enumerate(pairs) if id in exact and exact[id][0] == fingerprint]
        if chosen:
            rows = batch.take(chosen)
            kept.append(corpus.embeddings(rows))
            ids += rows.column("id").to_pylist()
    if len(ids) <= K:
        return None
    of_float32 = np.stack([np.frombuffer(exact[id][1], np.float32) for id in ids])
    return recall_of(of_float32, np.concatenate(kept)), len(ids)


def recall_of(exact: NDArray[np.float32], kept: NDArray[np.float32]) -> float:
    """Returns the mean share of the K nearest of each query by exact vectors (N, D) that are among its K nearest by kept ones (N, D)."""
    places = torch.arange(0, len(exact), max(1, len(exact) // _QUERIES))[:_QUERIES]
    queries = torch.from_numpy(exact)[places]

    def nearest(candidates: NDArray[np.float32]) -> torch.Tensor:
        similarities = queries @ torch.from_numpy(candidates).T
        similarities[torch.arange(len(queries)), places] = -torch.inf
        return similarities.topk(K, dim=1).indices

    wanted, found = nearest(exact), nearest(kept)
    return float((wanted[:, :, None] == found[:, None, :]).any(dim=2).float().mean())
