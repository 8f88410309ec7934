"""Embeddings with many ties, and their candidates in order."""

import numpy as np
import torch


def whole_numbers(rows: int, seed: int, values: int = 3, dim: int = 4) -> torch.Tensor:
    """Embeddings whose products are exact in float32, with many ties."""
    return torch.randint(-values, values + 1, (rows, dim), generator=torch.Generator().manual_seed(seed)).float()


def by_full_sort(queries: torch.Tensor, candidates: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Scores and order of every candidate by a plain NumPy sort: score descending, then index ascending."""
    scores = queries.double().numpy() @ candidates.double().numpy().T
    order = np.stack([np.lexsort((np.arange(scores.shape[1]), -row)) for row in scores])
    return np.take_along_axis(scores, order, axis=1), order


def apart(rows: int, seed: int, dim: int = 512) -> torch.Tensor:
    """Embeddings whose products no rounding brings into another order."""
    return torch.nn.functional.normalize(torch.randn(rows, dim, generator=torch.Generator().manual_seed(seed)), dim=1)
