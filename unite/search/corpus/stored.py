"""The layout of a stored corpus, written and read: a folder with a LanceDB table, a row a content, and what made it.

    corpus.json     what made it: the encoder, how it read, how vectors are kept, from which sources
    sample.lance    where vectors are kept smaller: some of them in float32, to tell what that costs
    corpus.lance    the table `corpus` of the LanceDB database that the folder is

    id            string         unique in the corpus
    source        string         where the content lies: a file's path or address, `shard.tar#key`, `table.parquet#row`
    modality      string         as `str(Modality)`: `text`, `image`, `text+image`
    text          string         its text, "" without one
    fingerprint   int64          of all that reaches the encoder (`LazyContent.fingerprint`)
    thumbnail     binary         a little JPEG of its media; null of a text
    size          int64          of its files in bytes, to see a change
    modified      int64          when the last of them was changed, in ns
    vector        W numbers      as `unite.search.corpus.vectors` keeps them
    ...                          the metadata, each column under its own name: string, int64, double or bool

It lies on disk or in a store (`unite.search.corpus.place`). Whoever writes takes its lock (`unite.search.corpus.lock`). A reader sees
whole transactions of the table.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from unite.errors import DataError, must_be
from unite.search.corpus.facts import FACTS, CorpusFacts, hexadecimal, read_facts, write_facts
from unite.search.corpus.lance import ERRORS, connect, is_whole, quoted, system_errors
from unite.search.corpus.layout import RESERVED, ROW_ID, TYPES, as_schema, matrix_of, schema_of
from unite.search.corpus.place import Place
from unite.search.corpus.vectors import dtype_of, unpack, width_of

if TYPE_CHECKING:
    from lancedb.table import Table

log = logging.getLogger(__name__)

TABLE, SAMPLE = "corpus", "sample"


class StoredCorpus:
    """A stored corpus that is there.

    Attributes:
        folder: where it lies.
        facts: what made it.

    Raises:
        DataError: if there is none, or it is of another version or damaged.
        ConfigError: if LanceDB is not installed.
    """

    def __init__(self, folder: str | Path | Place) -> None:
        self.folder = Place.of(folder)
        self.facts = read_facts(self.folder)
        self.table = _opened(self.folder)

    @classmethod
    def create(cls, folder: str | Path | Place, facts: CorpusFacts, columns: Mapping[str, str]) -> StoredCorpus:
        """Makes an empty one. A table without facts, of a call that was killed in between, is replaced.

        Args:
            folder: where to.
            facts: what makes it.
            columns: of the metadata, and their types (`TYPES`).
        """
        folder = Place.of(folder)
        schema = schema_of(facts, columns)
        if folder.is_local:
            folder.path.mkdir(parents=True, exist_ok=True)
        database = connect(folder)
        if TABLE in database.list_tables().tables:
            database.drop_table(TABLE)
        with system_errors(folder):
            database.create_table(TABLE, schema=schema)
        write_facts(folder, facts)
        return cls(folder)

    @staticmethod
    def is_in(folder: str | Path | Place) -> bool:
        """Whether there is one in a folder, finished or not."""
        return (Place.of(folder) / FACTS).is_file()

    def __len__(self) -> int:
        return int(self.table.count_rows())

    @property
    def schema(self) -> pa.Schema:
        """Of the whole table."""
        return cast(pa.Schema, self.table.schema)

    @property
    def columns(self) -> dict[str, str]:
        """The metadata's columns and their types (`string`, `int64`, `double`, `bool`)."""
        return {column.name: str(column.type) for column in self.schema if column.name not in RESERVED}

    @cached_property
    def modalities(self) -> list[str]:
        """Those that its rows have, by name."""
        return sorted({name for batch in self.batches(["modality"]) for name in batch.column(0).unique().to_pylist()})

    def check_made_by(self, encoder_fingerprint: int, prompt_fingerprint: int) -> None:
        """Raises DataError if another encoder made it, or the same that read contents otherwise."""
        for what, known, given in (
            ("the encoder", self.facts.encoder_fingerprint, encoder_fingerprint),
            ("how the encoder reads (its prompt, limits or tokenizer)", self.facts.prompt_fingerprint, prompt_fingerprint),
        ):
            if known != hexadecimal(given):
                hint = f"Vectors of two encoders cannot be compared: take {self.facts.checkpoint}, or another folder."
                made = f"{self.facts.encoder}, {known}"
                raise DataError(must_be(what, f"that which made the corpus in {self.folder} ({made})", hexadecimal(given), hint))

    def batches(self, columns: Sequence[str], where: str = "", num_rows: int = 8192) -> Iterator[pa.RecordBatch]:
        """Yields all rows in the table's order, some columns of them.

        Args:
            columns: which; `_rowid` is LanceDB's id of a row, which holds for one version of the table.
            where: a filter in SQL, as LanceDB reads it; "" is none.
            num_rows: of a batch at most.
        """
        query = self.table.search().select(list(columns)).with_row_id(ROW_ID in columns)
        yield from (query.where(where) if where else query).to_batches(num_rows)

    def read(self, columns: Sequence[str], where: str = "") -> pa.Table:
        """Returns all rows, or those of a filter, some columns of them, in the table's order: of one call they fit each other."""
        schema = self.schema.append(pa.field(ROW_ID, pa.uint64()))
        kept = pa.schema([schema.field(name) for name in columns])
        return pa.Table.from_batches(list(self.batches(columns, where)), kept)

    def rows(self, ids: Sequence[str], columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Returns rows by their ids, in the order asked for, without their vectors unless these are asked for.

        Raises:
            DataError: if one is not there.
        """
        names = [name for name in self.schema.names if name != "vector"] if columns is None else ["id", *columns]
        found: dict[str, dict[str, Any]] = {}
        for batch in self.batches(list(dict.fromkeys(names)), where=f"id IN ({quoted(ids)})") if ids else ():
            found |= {row["id"]: row for row in batch.to_pylist()}
        missing = next((id for id in ids if id not in found), None)
        if missing is not None:
            raise DataError(must_be("an id", f"that of a row of {self.folder}", missing))
        return [found[id] for id in ids]

    def kept_vectors(self, rows: pa.Table | pa.RecordBatch) -> NDArray[Any]:
        """Returns the vectors (N, W) of rows that were read with their column `vector`, as they are kept."""
        return matrix_of(rows.column("vector"), dtype_of(self.facts.vectors), width_of(self.facts.vectors, self.facts.dim))

    def embeddings(self, rows: pa.Table | pa.RecordBatch) -> NDArray[np.float32]:
        """Returns the vectors of rows that were read with their column `vector` as embeddings of unit length, (N, D) float32."""
        return unpack(self.kept_vectors(rows), self.facts.vectors, self.facts.dim)

    def put(self, rows: pa.Table) -> None:
        """Adds rows, which replace those of the same ids: in one transaction. Their ids must differ among themselves.

        Raises:
            OSError: if they cannot be written, whole: a full disk, say. The table is as it was.
        """
        if not len(self):
            self.add(rows)
            return
        with self._written():
            whole = self.table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
            whole.execute(as_schema(rows, self.schema))

    def add(self, rows: pa.Table) -> None:
        """Adds rows whose ids are known to be new, which is faster than `put`. Raises OSError as `put` does."""
        with self._written():
            self.table.add(as_schema(rows, self.schema))

    def drop(self, ids: Sequence[str], at_once: int = 5000) -> None:
        """Removes rows by their ids. Raises OSError as `put` does."""
        for start in range(0, len(ids), at_once):
            with self._written():
                self.table.delete(f"id IN ({quoted(ids[start : start + at_once])})")

    @contextmanager
    def _written(self) -> Iterator[None]:
        """Makes sure that a transaction is on disk: Lance was seen to take a file for whole that the system had cut short."""
        self.__dict__.pop("modalities", None)
        version, before = self.table.version, set(self._data_files())
        with system_errors(self.folder):
            yield
        if cut := [path for path in self._data_files() if path not in before and not is_whole(path)]:
            self.table.restore(version)
            for path in cut:
                path.unlink()
            raise OSError(errno.ENOSPC, "a file of the table was not written whole", str(cut[0]))

    def _data_files(self, table: str = TABLE) -> Iterator[Path]:
        return (self.folder.path / f"{table}.lance" / "data").glob("*.lance") if self.folder.is_local else iter(())

    def put_exact(self, rows: pa.Table) -> None:
        """Keeps the exact vectors of some rows: `id`, `fingerprint`, `exact` (D numbers as float32 bytes)."""
        if not len(rows):
            return
        database = connect(self.folder)
        with system_errors(self.folder):
            if SAMPLE in database.list_tables().tables:
                sample = database.open_table(SAMPLE)
                sample.merge_insert("id").when_matched_update_all().when_not_matched_insert_all().execute(rows)
            else:
                database.create_table(SAMPLE, rows)
        if cut := [path for path in self._data_files(SAMPLE) if not is_whole(path)]:
            log.warning("%s was not written whole: the exact vectors by which recall is measured are forgotten.", cut[0])
            database.drop_table(SAMPLE)

    def exact(self) -> pa.Table:
        """Returns `id`, `fingerprint`, `exact` of the rows whose exact vectors are kept, some of which may be gone or have changed."""
        database = connect(self.folder)
        if SAMPLE not in database.list_tables().tables:
            return pa.table({"id": pa.array([], pa.string()), "fingerprint": pa.array([], pa.int64()), "exact": pa.array([], pa.binary())})
        try:
            return database.open_table(SAMPLE).to_arrow()
        except RuntimeError as error:  # a full disk cut it: it is no more than a sample
            log.warning("the exact vectors by which recall is measured cannot be read (%s): they are forgotten.", error)
            database.drop_table(SAMPLE)
            return self.exact()

    def add_columns(self, columns: Mapping[str, str]) -> None:
        """Adds columns of metadata, empty in the rows that there are."""
        if columns:
            self.table.add_columns(pa.schema([pa.field(name, TYPES[kind]) for name, kind in columns.items()]))

    def note(self, **facts: Any) -> None:
        """Changes some of the facts."""
        self.facts = replace(self.facts, **facts)
        write_facts(self.folder, self.facts)

    def optimize(self) -> None:
        """Gathers what many transactions wrote, and frees what no row uses any more. Raises OSError as `put` does."""
        with self._written():
            self.table.optimize()


def _opened(folder: Place) -> Table:
    try:
        return cast("Table", connect(folder).open_table(TABLE))
    except ERRORS as error:
        raise DataError(
            f"the table of the corpus in {folder} cannot be opened ({error}). Make the corpus again in another folder."
        ) from error
