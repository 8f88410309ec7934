"""Which index a corpus gets, and what LanceDB is told to build."""

from __future__ import annotations

from typing import Any

from unite.config.schema.index import IndexKind, IndexOptions
from unite.config.schema.vectors import Vectors
from unite.errors import ConfigError, DataError, must_be
from unite.search.corpus.facts import CorpusFacts

#: Rows that product quantisation needs: as many as it has codes.
_FEWEST = 256
#: The dimensions of `ivf_rq` are one of these.
_MULTIPLE = 8
#: What LanceDB builds its indexes over.
_INDEXED = (Vectors.float32, Vectors.float16)


def kind_of(options: IndexOptions, num_rows: int, facts: CorpusFacts) -> IndexKind:
    """Returns the kind of index that a corpus gets.

    Raises:
        DataError: if the corpus has no rows, or too few for the kind that was asked for.
        ConfigError: if the kind cannot be built over vectors as they are kept.
    """
    if not num_rows:
        raise DataError(must_be("the corpus", "one with rows", "empty", "Embed something into it: python -m unite.embed."))
    kind = options.kind
    if kind is IndexKind.auto:
        if num_rows <= options.exact_up_to or facts.vectors not in _INDEXED:
            return IndexKind.exact
        kind = IndexKind.ivf_pq if facts.dim % _MULTIPLE else IndexKind.ivf_rq
    if kind is not IndexKind.exact and facts.vectors not in _INDEXED:
        hint = "Take kind=exact, or embed the corpus with vectors=float16."
        raise ConfigError(must_be("kind", f"exact or auto of vectors that are kept in {facts.vectors}", str(kind), hint))
    if kind is IndexKind.ivf_rq and facts.dim % _MULTIPLE:
        actual = f"ivf_rq over {facts.dim} dimensions"
        raise ConfigError(must_be("kind", f"another where the dimensions are no multiple of {_MULTIPLE}", actual, "Take kind=ivf_pq."))
    if kind is IndexKind.ivf_pq and num_rows < _FEWEST:
        raise DataError(must_be("the rows of a corpus with kind=ivf_pq", f"at least {_FEWEST}", num_rows, "Take kind=exact."))
    return kind


def vector_index(kind: IndexKind) -> Any:
    """Returns what LanceDB builds, for the kinds that are not exact."""
    from lancedb.index import HnswSq, IvfPq, IvfRq

    if kind is IndexKind.hnsw_sq:
        return HnswSq(distance_type="cosine", m=16, ef_construction=100)
    if kind is IndexKind.ivf_pq:
        # LanceDB's own numbers, 50 rounds over 256 rows a code, take eight times as long, and find no more after refinement.
        return IvfPq(distance_type="cosine", max_iterations=10, sample_rate=64)
    return IvfRq(distance_type="cosine")
