import numpy as np
import pytest
from sentence_transformers.util.quantization import quantize_embeddings

from unite.config.schema.vectors import Vectors
from unite.search.corpus.vectors import dtype_of, pack, unpack, width_of


@pytest.fixture
def embeddings():
    made = np.random.default_rng(0).normal(size=(50, 20)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


@pytest.mark.parametrize(("vectors", "error"), [(Vectors.float32, 0), (Vectors.float16, 1e-3), (Vectors.int8, 1e-2), (Vectors.binary, 0.6)])
def test_what_is_kept_is_near_what_it_was(embeddings, vectors, error):
    kept = pack(embeddings, vectors)
    again = unpack(kept, vectors, 20)
    assert kept.dtype == dtype_of(vectors) and kept.shape == (50, width_of(vectors, 20))
    assert again.dtype == np.float32 and again.shape == (50, 20)
    np.testing.assert_allclose(np.linalg.norm(again, axis=1), 1, atol=1e-5)
    assert np.abs(again - embeddings).max() <= error


def test_signs_are_as_sentence_transformers_keeps_them(embeddings):
    np.testing.assert_array_equal(pack(embeddings, Vectors.binary)[:, :2], quantize_embeddings(embeddings[:, :16], "ubinary"))


def test_what_was_kept_is_kept_the_same_again(embeddings):
    for vectors in Vectors:
        once = pack(embeddings, vectors)
        np.testing.assert_array_equal(pack(unpack(once, vectors, 20), vectors), once)


def test_no_vectors_and_one_of_zeros():
    assert pack(np.empty((0, 20), np.float32), Vectors.int8).shape == (0, 20)
    assert not unpack(pack(np.zeros((1, 20), np.float32), Vectors.int8), Vectors.int8, 20).any()
