"""Annotation files as tables with random access: CSV, TSV, JSON Lines, a JSON list, parquet.

Opening a table reads its columns alone; where its records lie is found on first use, once a process. A table can be pickled: it
takes only its path along.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from unite.curation.recipes.annotation_files import (
    CSV,
    FORMATS,
    JSON,
    LINES,
    PARQUET,
    TSV,
    find_files,
    format_of,
    is_gzipped,
    open_file,
    reading,
)
from unite.curation.recipes.lines import (
    JSON_ERRORS,
    MAX_RECORD,
    Record,
    columns_of,
    has_quotes,
    is_csv,
    json_of,
    json_record,
    names_in,
    records,
)
from unite.curation.recipes.lines import fields as read_fields
from unite.curation.recipes.parquet_table import ParquetTable
from unite.curation.recipes.table import Table, listed
from unite.errors import DataError, SkippedRowError, must_be, must_be_one_of

#: What else than its own separator a file of one column may be separated by.
_SEPARATORS = ("\t", ";", "|", ",")
#: Records looked at for the columns of a JSON Lines file.
_NUM_TRIED = 100


class LineTable(Table):
    """CSV, TSV or JSON Lines: records that begin at a line, reached by offset."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with reading(path) as file:
            # The header of a TSV may be in quotes, but goes over no line.
            first = list(islice(records(path, file, quotes=format_of(path) == CSV), 1 if is_csv(path) else _NUM_TRIED))
        self.columns = tuple(columns_of(path, first)) if first else ()
        if is_csv(path) and len(self.columns) == 1 and (other := next((one for one in _SEPARATORS if one in self.columns[0]), "")):
            expected = "separated by commas (as .tsv by tabs)"
            raise DataError(must_be(str(path), expected, f"by {other!r}", f"Its first line is: {self.columns[0][:200]!r}. Write it again."))

    @cached_property
    def _offsets(self) -> NDArray[np.int64]:
        """Where each record begins, and where the last one ends; without the header."""
        with reading(self.path) as file:
            lengths = [len(record) for record in records(self.path, file, quotes=self._has_quotes)]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return offsets[1:] if is_csv(self.path) and lengths else offsets

    @cached_property
    def _has_quotes(self) -> bool:
        with reading(self.path) as file:
            return has_quotes(self.path, file)

    @cached_property
    def _file(self) -> BinaryIO:
        return open_file(self.path)

    def lacks(self, names: Iterable[str]) -> list[str]:
        """Reads on for a field that the first JSON records have not: one that few have is there too."""
        lacking = super().lacks(names)
        if lacking and not is_csv(self.path):
            with reading(self.path) as file:
                for number, record in enumerate(records(self.path, file, quotes=False)):
                    with suppress(SkippedRowError):
                        found = set(names_in(json_record(self.path, number, record)))
                        lacking = [name for name in lacking if name not in found]
                    if not lacking:
                        break
        return lacking

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, index: int) -> Record:
        start, stop = int(self._offsets[index]), int(self._offsets[index + 1])
        self._file.seek(max(start - 1, 0))
        if start and self._file.read(1) != b"\n":
            raise SkippedRowError("record too large", f"record {index} of {self.path.name} is the rest of a line too long")
        data = self._file.read(stop - start)
        if not is_csv(self.path):
            return json_record(self.path, index, data)
        fields = read_fields(self.path, index, data, quotes=self._has_quotes)
        if len(fields) != len(self.columns):
            detail = f"record {index} of {self.path.name} has {len(fields)} fields, not {len(self.columns)}"
            raise SkippedRowError("unreadable record", detail)
        return {name: field for name, field in zip(self.columns, fields, strict=True) if name.strip()}


class JsonTable(Table):
    """A JSON list of objects; read whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        objects = [row for row in self._rows if isinstance(row, dict)]
        if self._rows and not objects:
            raise DataError(must_be(str(path), "a JSON list of objects", f"a list of {type(self._rows[0]).__name__}"))
        self.columns = tuple(dict.fromkeys(name for row in objects for name in names_in(row)))

    @cached_property
    def _rows(self) -> list[Any]:
        rows = json_of(self.path)
        if not isinstance(rows, list):
            keys = ", ".join(list(rows)[:5]) if isinstance(rows, dict) else ""
            found = f"{type(rows).__name__}{keys and f' with {keys}'}"
            hint = 'pandas writes one by to_json(orient="records"); a list that stands under a key wants a file of its own.'
            raise DataError(must_be(str(self.path), "a JSON list of objects", found, hint))
        return rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Record:
        record = self._rows[index]
        if not isinstance(record, dict):
            raise SkippedRowError("unreadable record", f"record {index} of {self.path.name} is {type(record).__name__}, not an object")
        return record


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


def open_tables(option: str, annotations: str | Path) -> Tables:
    """Opens a file, or every file of a glob, in the order of their names.

    Args:
        option: its name, for the error.
        annotations: the file or glob.

    Raises:
        DataError: if there is none, or one is of an unknown format or empty.
    """
    return open_paths(find_files(option, annotations))


def open_paths(paths: Sequence[Path]) -> Tables:
    """Opens files. Raises DataError if one is of an unknown format or empty."""
    for path in paths:
        if not format_of(path):
            raise DataError(must_be_one_of(f"the format of {path}", FORMATS, "".join(path.suffixes[-2 if is_gzipped(path) else -1 :])))
    tables = [_OPEN[format_of(path)](path) for path in paths]
    empty = next((table.path for table in tables if not table.columns), None)
    if empty is not None:
        raise DataError(must_be(str(empty), "a table with columns", "empty", "Remove it, or write it again."))
    return Tables(tables)


def _open_json(path: Path) -> Table:
    """Opens a JSON list, or JSON Lines under the name of one."""
    with reading(path) as file:
        lines = (line for line in iter(lambda: file.readline(MAX_RECORD), b"") if line.strip())
        first, is_alone = next(lines, b""), not next(lines, b"")
    try:
        is_lines = not is_alone and isinstance(json.loads(first), dict)
    except JSON_ERRORS:
        is_lines = False
    return LineTable(path) if is_lines else JsonTable(path)


_OPEN: dict[str, Callable[[Path], Table]] = {CSV: LineTable, TSV: LineTable, LINES: LineTable, JSON: _open_json, PARQUET: ParquetTable}


def check_columns(name: str, tables: Tables, needed: Sequence[tuple[str, str]]) -> None:
    """Checks that columns are there.

    Args:
        name: of the recipe, for errors.
        tables: the files.
        needed: (option of the recipe that names it, column); "" for a column that belongs to the format.

    Raises:
        DataError: if one is missing in a file; it lists those found, and the options to set.
    """
    for table in tables.tables:
        # Columns without a name (an index, commas at the ends of lines) are nobody's.
        twice = sorted({name for name in table.columns if name.strip() and table.columns.count(name) > 1})
        if twice:
            hint = "Rename one."
            raise DataError(must_be(f"the columns of {table.path}", "of different names", f"{', '.join(twice)} more than once", hint))
        missing = table.lacks([column for _, column in needed])
        if missing:
            hint = f"The columns found are: {listed(table.columns) or 'none'}. {options_to_set(name, needed, missing)}"
            raise DataError(must_be(f"the columns of {table.path}", f"such that {', '.join(missing)} is among them", "without", hint))


def options_to_set(name: str, needed: Sequence[tuple[str, str]], missing: Sequence[str]) -> str:
    """Returns what to do about missing columns: which options of a recipe name them (see `check_columns`)."""
    named = dict.fromkeys(option for option, column in needed if option and column in missing)
    options = " ".join(f"{name}.{option}=..." for option in named)
    other = "the recipe of this format"
    return f"Set {options} to what is meant, or use {other}." if options else f"Use {other}."
