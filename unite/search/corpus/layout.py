"""The columns of a stored corpus's table (`unite.search.corpus.stored`), its own and those of the metadata."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from unite.errors import ConfigError, must_be
from unite.search.corpus.facts import CorpusFacts
from unite.search.corpus.rows import as_utf8
from unite.search.corpus.vectors import dtype_of, width_of

ROW_ID = "_rowid"
_OWN = {
    **{name: pa.string() for name in ("id", "source", "modality", "text")},
    **{"fingerprint": pa.int64(), "thumbnail": pa.binary(), "size": pa.int64(), "modified": pa.int64()},
}
#: Names that no column of metadata may have: our own, and those that LanceDB adds to what it finds.
RESERVED = frozenset((*_OWN, "vector", "_distance", "_score", "_relevance_score", ROW_ID, "_rowaddr", "_rowoffset"))
#: Signs that LanceDB has no spelling for in the name of a column.
_UNNAMED = re.compile("[.`\\0\ud800-\udfff]")
#: Types of metadata, by the name that `StoredCorpus.columns` tells.
TYPES = {"string": pa.string(), "int64": pa.int64(), "double": pa.float64(), "bool": pa.bool_()}


def schema_of(facts: CorpusFacts, columns: Mapping[str, str]) -> pa.Schema:
    """Returns the table's schema. Raises ConfigError if a column of metadata has a name of the corpus's own."""
    check_names(columns)
    vector = pa.list_(pa.from_numpy_dtype(dtype_of(facts.vectors)), width_of(facts.vectors, facts.dim))
    own = {**_OWN, "vector": vector}
    return pa.schema([pa.field(name, kind) for name, kind in {**own, **{name: TYPES[kind] for name, kind in columns.items()}}.items()])


def check_names(columns: Iterable[str]) -> None:
    """Raises ConfigError if a column of metadata has a name of our own, or one that LanceDB cannot store or filter by."""
    taken = [name for name in columns if name in RESERVED or not name.strip() or _UNNAMED.search(name)]
    if taken:
        expected = f"another name than {', '.join(sorted(RESERVED))}, and without a dot, a backtick, a null or half a surrogate pair"
        hint = f"Rename it (columns.rename={{{taken[0]!r}: ...}}) or leave it out (columns.drop=[{taken[0]!r}])."
        raise ConfigError(must_be("a column of metadata", expected, ", ".join(map(as_utf8, taken)), as_utf8(hint)))


def vector_column(kept: NDArray[Any]) -> pa.FixedSizeListArray:
    """Returns vectors as they are kept, (N, W), as a column."""
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(kept).reshape(-1)), kept.shape[1])


def matrix_of(column: Any, dtype: np.dtype[Any], width: int) -> NDArray[Any]:
    """Returns a column of vectors as they are kept, (N, W)."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    parts = [chunk.flatten().to_numpy(zero_copy_only=False).reshape(-1, width) for chunk in chunks]
    return np.concatenate(parts).astype(dtype, copy=False) if parts else np.empty((0, width), dtype)


def as_schema(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Returns rows with all columns of the table in its order, empty where they have none."""
    columns = [
        rows.column(name).cast(schema.field(name).type) if name in rows.column_names else pa.nulls(len(rows), schema.field(name).type)
        for name in schema.names
    ]
    return pa.table(columns, schema=schema)
