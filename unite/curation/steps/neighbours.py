"""Exact nearest neighbours over embeddings. Shapes: Q queries, C candidates, D dimensions, k hits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def nearest(queries: NDArray[np.float32], candidates: NDArray[np.float32], k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Returns cosines and indices (Q, min(k, C)) of the nearest candidates, best first; on a GPU if there is one."""
    import torch  # for what is done, not for whoever only names a step

    from unite.retrieval.topk import search

    device = "cuda" if torch.cuda.is_available() else "cpu"
    scores, indices = search(torch.from_numpy(queries), torch.from_numpy(candidates), min(k, len(candidates)), device=device)
    return scores.cpu().numpy(), indices.cpu().numpy()
