"""Pools for the tests: random, with everything that can occur, and built by hand."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from unite.batch import Relations, index_tensor

TEXT, IMAGE, VIDEO = 1, 2, 4


def unit(num: int, dim: int, seed: int, *, dtype: torch.dtype = torch.float32) -> Tensor:
    """Random unit vectors with a common part, so that similarities spread over positive and negative."""
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(num, dim, generator=generator, dtype=torch.float64) + 0.5
    return F.normalize(vectors, dim=-1).to(dtype)


def relations_of(
    query: list[int],
    positive: list[list[int]],
    modality: list[int],
    negative: list[list[int]] | None = None,
    fingerprint: list[int] | None = None,
    identity: list[int] | None = None,
) -> Relations:
    num = len(modality)
    fingerprint = list(range(100, 100 + num)) if fingerprint is None else fingerprint
    return Relations(
        index_tensor(query),
        _padded(positive),
        _padded(negative or [[] for _ in query]),
        index_tensor(modality),
        index_tensor(fingerprint),
        index_tensor(fingerprint if identity is None else identity),
    )


def _padded(rows: list[list[int]]) -> Tensor:
    width = max((len(row) for row in rows), default=0)
    return index_tensor([row + [-1] * (width - len(row)) for row in rows]).view(len(rows), width)


@st.composite
def random_relations(draw: st.DrawFn) -> Relations:
    """Any pool: shared queries, several positives and negatives, repeated fingerprints, groups, contents that nobody uses."""
    num = draw(st.integers(3, 14))
    content = st.integers(0, num - 1)
    num_rows = draw(st.integers(1, 8))
    query = draw(st.lists(content, min_size=num_rows, max_size=num_rows))
    positive = draw(st.lists(st.lists(content, min_size=1, max_size=3), min_size=num_rows, max_size=num_rows))
    negative = draw(st.lists(st.lists(content, max_size=3), min_size=num_rows, max_size=num_rows))
    # Equal fingerprints share their modality; a content can come with another group each time, and the first one counts.
    fingerprint = draw(st.lists(st.integers(0, num + 3), min_size=num, max_size=num))
    modality_of = draw(st.lists(st.sampled_from([1, 2, 4, 3, 5]), min_size=num + 4, max_size=num + 4))
    group = draw(st.lists(st.integers(0, 3 * num), min_size=num, max_size=num))
    return relations_of(
        query,
        positive,
        [modality_of[one] for one in fingerprint],
        negative,
        [one + 2**62 for one in fingerprint],
        [one + 2**62 for one in group],
    )
