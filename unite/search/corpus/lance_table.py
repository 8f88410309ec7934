"""A Lance table of a user's own as a table of records, beside the files of `unite.curation.recipes.table`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from unite.curation.recipes.arrow_rows import names_in_schema
from unite.curation.recipes.lines import Record
from unite.curation.recipes.table import Table
from unite.errors import DataError
from unite.search.corpus.lance import ERRORS, connect
from unite.search.corpus.place import Place

#: Rows that are read at a time.
_ROWS = 256


class LanceTable(Table):
    """A Lance table, read some rows at a time.

    Args:
        path: `<name>.lance`.

    Raises:
        DataError: if it is none.
        ConfigError: if LanceDB is not installed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns = tuple(names_in_schema(self.schema))

    @cached_property
    def _table(self) -> Any:
        try:
            return connect(Place.of(self.path.parent)).open_table(self.path.stem)
        except ERRORS as error:
            raise DataError(f"{self.path} is no Lance table ({error}).") from error

    @property
    def schema(self) -> pa.Schema:
        """Of its columns."""
        schema: pa.Schema = self._table.schema
        return schema

    def state(self) -> tuple[int, int]:
        """Returns its number of rows and its version, which each change raises."""
        return len(self), int(self._table.version)

    def records(self, columns: Sequence[str]) -> Iterator[Record]:
        """Yields all rows, some columns of them."""
        for batch in self._table.search().select(list(columns)).to_batches():
            yield from batch.to_pylist()

    @cached_property
    def _num_rows(self) -> int:
        return int(self._table.count_rows())

    def __len__(self) -> int:
        return self._num_rows

    def __getitem__(self, index: int) -> Record:
        block, inside = divmod(index, _ROWS)
        if self.__dict__.get("_at") != block:
            offsets = list(range(block * _ROWS, min((block + 1) * _ROWS, len(self))))
            self._block: list[Record] = self._table.take_offsets(offsets).to_arrow().to_pylist()
            self._at = block
        return self._block[inside]
