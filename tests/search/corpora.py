"""Little stored corpora, their vectors given."""

import numpy as np
import pyarrow as pa

from unite.config.schema.vectors import Vectors
from unite.search.corpus.facts import CorpusFacts, hexadecimal
from unite.search.corpus.layout import vector_column
from unite.search.corpus.stored import StoredCorpus
from unite.search.corpus.vectors import pack

COLUMNS = {"price": "int64", "kind": "string"}


def unit(num, dim=16, seed=0, clusters=0):
    """Unit vectors: random, or around so many centres."""
    draw = np.random.default_rng(seed)
    vectors = draw.normal(size=(num, dim))
    if clusters:
        vectors = draw.normal(size=(clusters, dim))[draw.integers(0, clusters, num)] + 0.5 * vectors
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def facts(dim=16, vectors=Vectors.float32, encoder=1, prompt=2, label="birds"):
    made = {"encoder_fingerprint": hexadecimal(encoder), "prompt_fingerprint": hexadecimal(prompt)}
    return CorpusFacts(encoder=label, checkpoint="runs/birds", dim=dim, vectors=vectors, is_whole=True, **made)


def rows(vectors, ids=None, kept=Vectors.float32, texts=None, **columns):
    """Rows with these vectors: `r0`, `r1`, ...; every third is a text, the others are images."""
    num = len(vectors)
    own = {
        "id": ids or [f"r{place}" for place in range(num)],
        "source": [f"folder/{place}.png" for place in range(num)],
        "modality": ["image" if place % 3 else "text" for place in range(num)],
        "text": texts or [f"a bird, number {place}" for place in range(num)],
        "fingerprint": pa.array(range(num), pa.int64()),
        "size": pa.array([1] * num, pa.int64()),
        "modified": pa.array([1] * num, pa.int64()),
        "vector": vector_column(pack(vectors, kept)),
        "price": pa.array([place % 10 for place in range(num)], pa.int64()),
        "kind": ["kite" if place % 2 else "crow" for place in range(num)],
    }
    return pa.table({**own, **columns})


def write(folder, vectors, kept=Vectors.float32, **options):
    """A stored corpus of these vectors."""
    corpus = StoredCorpus.create(folder, facts(vectors.shape[1], kept), COLUMNS)
    if len(vectors):
        corpus.add(rows(vectors, kept=kept, **options))
    corpus.note(rows=len(vectors))
    return corpus
