"""Pairs of rows whose vectors are nearly the same: every one, by comparing all rows with all others."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from unite.config.schema.index import check_threshold
from unite.errors import DataError, must_be
from unite.files import to_line
from unite.precision import full_float32
from unite.progress import shown
from unite.retrieval.product import products
from unite.search.corpus.layout import ROW_ID
from unite.search.corpus.place import Place
from unite.search.corpus.stored import StoredCorpus
from unite.search.index.exact import VectorsInMemory

FILE = "near_duplicates.jsonl"
#: Rows whose products with the others are in memory at a time, and of the others.
_ROWS, _OTHERS = 1024, 8192
#: Of equal vectors the product is 1 to this precision.
_ROUNDING = 1e-6


class NearDuplicate(NamedTuple):
    """Two rows that are nearly the same.

    Attributes:
        first, second: their ids; the first was stored before the second.
        similarity: cosine of their vectors.
    """

    first: str
    second: str
    similarity: float


def near_duplicates(folder: str | Path, threshold: float) -> Iterator[NearDuplicate]:
    """Yields the pairs of a corpus whose cosine similarity is `threshold` or more, each once, in the order of the rows.

    All vectors are held in memory as float32, and every pair is compared: N^2 D / 2 multiplications.

    Raises:
        ConfigError: if the threshold is not above 0 and at most 1.
        DataError: if there is no corpus.
    """
    check_threshold(threshold)
    corpus = StoredCorpus(folder)
    vectors = VectorsInMemory(corpus)
    ids = corpus.read(["id", ROW_ID]).sort_by(ROW_ID)["id"].to_pylist()
    matrix = vectors.matrix
    with shown("comparing all rows", len(ids), "rows") as work, full_float32(matrix.device):
        for start in range(0, len(ids), _ROWS):
            rows = matrix[start : start + _ROWS]
            found: list[tuple[int, int, float]] = []
            for first, scores in products(rows, matrix[start:], _OTHERS):
                row, other = (scores >= threshold - _ROUNDING).nonzero(as_tuple=True)
                near = zip(row.tolist(), (other + first).tolist(), scores[row, other].tolist(), strict=True)
                found += [pair for pair in near if pair[1] > pair[0]]
            for place, later, score in sorted(found):
                yield NearDuplicate(ids[start + place], ids[start + later], min(score, 1.0))
            work.advance(len(rows))


def write_near_duplicates(folder: str | Path, threshold: float, most: int = 1_000_000) -> int:
    """Writes the pairs into `near_duplicates.jsonl` in the corpus's folder, a line each, and returns how many there are.

    Args:
        folder: of the corpus.
        threshold: as of `near_duplicates`.
        most: so many pairs at most.

    Raises:
        DataError: if there are more; nothing is written then.
    """
    pairs = list(islice(near_duplicates(folder, threshold), most + 1))
    if len(pairs) > most:
        actual = f"more from a similarity of {threshold} on"
        raise DataError(must_be("the near-duplicates", f"at most {most:,} pairs", actual, f"Raise near_duplicates above {threshold}."))
    (Place.of(folder) / FILE).write(b"".join(to_line(pair._asdict()) for pair in pairs))
    return len(pairs)
