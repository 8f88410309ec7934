"""Against sentence-transformers in `test_embedder.py`; here against a loop, and what is no embedding."""

import numpy as np
import pytest
import torch

from unite.embedding.similarity import similarity, similarity_pairwise
from unite.errors import DataError

A, B = (np.random.default_rng(seed).normal(size=(3, 5)) for seed in (0, 1))


def cosine(one, other):
    return float(one @ other / np.sqrt((one @ one) * (other @ other)))


def test_similarities_are_cosines():
    expected = torch.tensor([[cosine(one, other) for other in B] for one in A], dtype=torch.float64)
    torch.testing.assert_close(similarity(A, torch.from_numpy(B)), expected)
    torch.testing.assert_close(similarity_pairwise(list(A), list(torch.from_numpy(B))), expected.diagonal())
    torch.testing.assert_close(similarity(A.astype(np.float16), B), expected, rtol=1e-2, atol=1e-3)
    torch.testing.assert_close(similarity(A[::-1], B), expected.flip(0))
    assert similarity_pairwise(A[0], B[0]).shape == () and similarity(A[:0], A).shape == (0, 3)


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        (
            A,
            B[:, :4],
            "embeddings2 must be of the width of embeddings1, 5, but is 4. They are of another model, or cut to another truncate_dim",
        ),
        (A[None], B, r"embeddings1 must be of shape \(N, D\) or \(D,\), but is \(1, 3, 5\)"),
        (A, "text", r"embeddings2 must be \(N, D\) or \(D,\) numbers, but is 'str'"),
        ([A[0], A[0][:2]], B, r"embeddings1 must be \(N, D\) or \(D,\) numbers, but is 'list'"),
        (["a", "b"], B, r"embeddings1 must be \(N, D\) or \(D,\) numbers, but is 'list'"),
        ([None], B, r"embeddings1 must be \(N, D\)"),
        (None, B, "embeddings1 must be .* but is 'NoneType'"),
    ],
)
def test_what_are_no_embeddings_is_refused(one, other, message):
    with pytest.raises(DataError, match=message):
        similarity(one, other)


def test_pairs_are_as_many():
    with pytest.raises(DataError, match="embeddings2 must be as many as embeddings1, 3, but is 2"):
        similarity_pairwise(A, B[:2])
