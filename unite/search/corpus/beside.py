"""What other programs read, written beside a corpus's Lance table: parquet files, or NumPy arrays with a parquet file of the rest.

parquet/rows-00000.parquet   all columns, `vector` among them
npy/vectors.npy              (N, W), as they are kept; numpy.load(..., mmap_mode="r") reads it
npy/rows.parquet             the other columns, in the same order

On disk a folder takes its name when it is whole. In a store, which has no such change of names, the files are made on the disk of this
machine and taken over one by one, and the one in `_LAST` is removed first and comes last: where it is there, all are.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from unite.config.schema.embed import CorpusFormat
from unite.files import whole_folder
from unite.search.corpus.place import Place
from unite.search.corpus.stored import StoredCorpus
from unite.search.corpus.vectors import dtype_of, width_of

#: Rows of a parquet file, at most.
ROWS_PER_FILE = 100_000
_ROWS, _VECTORS = "rows-{:05d}.parquet", "vectors.npy"
_LAST = {CorpusFormat.parquet: _ROWS.format(0), CorpusFormat.npy: "rows.parquet"}


def write_beside(corpus: StoredCorpus, form: CorpusFormat, *, is_new: bool) -> None:
    """Writes a corpus in another form, whole or not at all.

    Args:
        corpus: which.
        form: `lance` writes nothing.
        is_new: whether the corpus has changed; otherwise what is there stays.
    """
    if form is CorpusFormat.lance:
        return
    place = corpus.folder / str(form)
    if not is_new and (place.path.is_dir() if place.is_local else (place / _LAST[form]).is_file()):
        return
    if place.is_local:
        with whole_folder(place.path, existing="replace") as partial:
            _write(corpus, form, partial)
        return
    with tempfile.TemporaryDirectory(prefix="unite-") as folder:
        _write(corpus, form, Path(folder))
        _take_over(place, Path(folder), _LAST[form])


def _take_over(place: Place, folder: Path, last: str) -> None:
    (place / last).remove()
    files = sorted(folder.iterdir(), key=lambda file: (file.name == last, file.name))
    names = {file.name for file in files}
    for left in place.glob("*"):
        if left.name not in names:
            left.remove()
    for file in files:
        (place / file.name).take(file)


def _write(corpus: StoredCorpus, form: CorpusFormat, folder: Path) -> None:
    if form is CorpusFormat.parquet:
        _write_parquet(corpus, folder, _ROWS, corpus.schema.names, ROWS_PER_FILE)
        return
    facts = corpus.facts
    shape = (len(corpus), width_of(facts.vectors, facts.dim))
    vectors = np.lib.format.open_memmap(folder / _VECTORS, "w+", dtype_of(facts.vectors), shape)
    start = 0
    for batch in corpus.batches(["vector"]):
        vectors[start : start + len(batch)] = corpus.kept_vectors(batch)
        start += len(batch)
    vectors.flush()
    _write_parquet(corpus, folder, _LAST[form], [name for name in corpus.schema.names if name != "vector"], None)


def _write_parquet(corpus: StoredCorpus, folder: Path, name: str, columns: Sequence[str], most: int | None) -> None:
    schema = pa.schema([corpus.schema.field(column) for column in columns])
    writer: pq.ParquetWriter | None = None
    num_files = num_rows = 0
    try:
        for batch in corpus.batches(columns):
            if writer is None:
                writer, num_files = pq.ParquetWriter(folder / name.format(num_files), schema), num_files + 1
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))
            num_rows += len(batch)
            if most is not None and num_rows >= most:
                writer.close()
                writer, num_rows = None, 0
    finally:
        if writer is not None:
            writer.close()
