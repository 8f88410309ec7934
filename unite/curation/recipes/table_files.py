"""Annotation files as tables with random access: CSV, TSV, JSON Lines, a JSON list, parquet.

Opening a table reads its columns alone; where its records lie is found on first use, once a process. A table can be pickled: it
takes only its path along.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from glob import glob
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from unite.curation.recipes.lines import JSON_ERRORS, Record, columns_of, extent, is_csv, json_record, records
from unite.curation.recipes.lines import fields as read_fields
from unite.errors import DataError, SkippedRowError, must_be, must_be_one_of

#: Records looked at for the columns of a JSON Lines file.
_NUM_TRIED = 100
#: Rows of parquet turned into Python objects at a time.
_PARQUET_ROWS = 256
_MIB = 1 << 20


class Table(ABC):
    """The records of one annotation file, by position.

    Attributes:
        path: of the file.
        columns: their names. A JSON Lines file is judged by its first record that can be read.
    """

    path: Path
    columns: tuple[str, ...]

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, index: int) -> Record:
        """Returns the record at a position. Raises SkippedRowError if it cannot be read."""

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "columns": self.columns}


class LineTable(Table):
    """CSV, TSV or JSON Lines: records that begin at a line, reached by offset."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            first = list(islice(records(path, file), 1 if is_csv(path) else _NUM_TRIED))
        self.columns = tuple(columns_of(path, first)) if first else ()

    @cached_property
    def _offsets(self) -> NDArray[np.int64]:
        """Where each record begins, and where the last one ends; without the header."""
        with self.path.open("rb") as file:
            lengths = [len(record) for record in records(self.path, file)]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return offsets[1:] if is_csv(self.path) and lengths else offsets

    @cached_property
    def _file(self) -> BinaryIO:
        return self.path.open("rb")

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, index: int) -> Record:
        start, stop = int(self._offsets[index]), int(self._offsets[index + 1])
        self._file.seek(start)
        data = self._file.read(stop - start)
        if not is_csv(self.path):
            return json_record(self.path, index, data)
        fields = read_fields(self.path, index, data)
        if len(fields) != len(self.columns):
            detail = f"record {index} of {self.path.name}{extent(data)} has {len(fields)} fields, not {len(self.columns)}"
            raise SkippedRowError("unreadable record", detail)
        return dict(zip(self.columns, fields, strict=True))


class JsonTable(Table):
    """A JSON list of objects; read whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        rows = self._rows
        self.columns = tuple(rows[0]) if rows and isinstance(rows[0], dict) else ()

    @cached_property
    def _rows(self) -> list[Any]:
        try:
            rows = json.loads(self.path.read_bytes())
        except JSON_ERRORS as error:
            raise DataError(f"{self.path} is no JSON ({error}).") from error
        if not isinstance(rows, list):
            raise DataError(must_be(str(self.path), "a JSON list of objects", type(rows).__name__))
        return rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Record:
        record = self._rows[index]
        if not isinstance(record, dict):
            raise SkippedRowError("unreadable record", f"record {index} of {self.path.name} is {type(record).__name__}, not an object")
        return record


class ParquetTable(Table):
    """Parquet, read a row group at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.columns = tuple(self._file.schema_arrow.names)
        except (OSError, ValueError) as error:
            raise DataError(f"{path} is no parquet file ({error}).") from error

    @cached_property
    def _file(self) -> pq.ParquetFile:
        return pq.ParquetFile(self.path)

    @cached_property
    def _starts(self) -> list[int]:
        sizes = [self._file.metadata.row_group(group).num_rows for group in range(self._file.metadata.num_row_groups)]
        return [0, *np.cumsum(sizes).tolist()]

    def __len__(self) -> int:
        return int(self._file.metadata.num_rows)

    def __getitem__(self, index: int) -> Record:
        group = bisect_right(self._starts, index) - 1
        block, inside = divmod(index - self._starts[group], _PARQUET_ROWS)
        if self.__dict__.get("_at") != (group, block):
            if self.__dict__.get("_group") != group:
                self._group, self._rows = group, self._read(group)
            self._at = (group, block)
            self._block = self._rows.slice(block * _PARQUET_ROWS, _PARQUET_ROWS).to_pylist()
        record: Record = self._block[inside]
        return record

    def _read(self, group: int) -> pa.Table:
        try:
            return self._file.read_row_group(group)
        except (OSError, ValueError) as error:
            raise DataError(f"row group {group} of {self.path} cannot be read ({error}). Copy or write the file again.") from error


_FORMATS: dict[str, Callable[[Path], Table]] = {
    ".csv": LineTable,
    ".tsv": LineTable,
    ".jsonl": LineTable,
    ".json": JsonTable,
    ".parquet": ParquetTable,
}


class Tables(Table):
    """Several files with one set of columns, one after the other."""

    def __init__(self, tables: Sequence[Table]) -> None:
        self.tables = list(tables)
        self.path = self.tables[0].path
        self.columns = tuple(name for name in self.tables[0].columns if all(name in table.columns for table in self.tables))

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *np.cumsum([len(table) for table in self.tables]).tolist()]

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, index: int) -> Record:
        table = bisect_right(self._starts, index) - 1
        return self.tables[table][index - self._starts[table]]

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "tables": self.tables}


def open_tables(annotations: str | Path) -> Tables:
    """Opens a file, or every file of a glob, in the order of their names.

    Raises:
        DataError: if there is none, or one is of an unknown format or empty.
    """
    paths = [Path(name) for name in sorted(glob(str(annotations), recursive=True))]
    if not paths:
        raise DataError(must_be("annotations", "an existing file or a glob that matches some", str(annotations)))
    for path in paths:
        if path.suffix not in _FORMATS:
            raise DataError(must_be_one_of(f"the format of {path}", _FORMATS, path.suffix))
    tables = [_FORMATS[path.suffix](path) for path in paths]
    empty = next((table.path for table in tables if not table.columns), None)
    if empty is not None:
        raise DataError(must_be(str(empty), "a table with columns", "empty", "Remove it, or write it again."))
    return Tables(tables)


def check_columns(table: Table, needed: Iterable[str]) -> None:
    """Raises DataError, which lists the columns found, if a needed one is missing."""
    missing = [name for name in needed if name not in table.columns]
    twice = sorted({name for name in table.columns if table.columns.count(name) > 1})
    if twice:
        raise DataError(must_be(f"the columns of {table.path}", "of different names", f"{', '.join(twice)} more than once", "Rename one."))
    if missing:
        found = ", ".join(table.columns) or "none"
        hint = f"The columns found are: {found}. Name the right ones, or use the recipe of this format."
        raise DataError(must_be(f"the columns of {table.path}", f"such that {', '.join(missing)} is among them", "without", hint))


def fingerprint_files(paths: Iterable[Path]) -> str:
    """Returns a digest over name, size, first and last MiB of each file: cheap for any size, and changed by an edit that keeps neither."""
    digest = blake2b(digest_size=16)
    for path in paths:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_MIB)
            file.seek(max(size - _MIB, 0))
            digest.update(f"{path.name}:{size}:".encode(errors="backslashreplace") + head + file.read(_MIB))
    return digest.hexdigest()
