"""A parquet file as a table, read a row group at a time."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from unite.curation.recipes.arrow_rows import names_in_schema, rows_of
from unite.curation.recipes.lines import Record
from unite.curation.recipes.table import Table
from unite.errors import DataError, SkippedRowError

#: Rows turned into Python objects at a time.
_ROWS = 256


class ParquetTable(Table):
    """Parquet, read a row group at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.columns = tuple(names_in_schema(self._file.schema_arrow))
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
        block, inside = divmod(index - self._starts[group], _ROWS)
        if self.__dict__.get("_at") != (group, block):
            if self.__dict__.get("_group") != group:
                self._group, self._rows = group, self._read(group)
            self._at = (group, block)
            self._block = list(rows_of(self._rows.slice(block * _ROWS, _ROWS), self.path.name, self._starts[group] + block * _ROWS))
        record = self._block[inside]
        if isinstance(record, SkippedRowError):
            raise SkippedRowError(record.reason, record.detail)
        return record

    def _read(self, group: int) -> pa.Table:
        try:
            return self._file.read_row_group(group)
        except (OSError, ValueError) as error:
            raise DataError(f"row group {group} of {self.path} cannot be read ({error}). Copy or write the file again.") from error
