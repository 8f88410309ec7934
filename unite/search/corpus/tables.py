"""Tables as sources of rows: CSV, TSV, JSON Lines, JSON and parquet files, and Lance tables.

The id of a row is what its column of that name says, or else `file.csv#12`. A medium is a path, relative to the table's folder or to
`media_root`; a file's bytes; `{"bytes", "path"}` as Hugging Face stores it; a data URI; or a list of these.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from unite.config.schema.embed import ColumnsConfig
from unite.curation.recipes.lines import Record, is_csv
from unite.curation.recipes.parquet_table import ParquetTable
from unite.curation.recipes.table import Table
from unite.curation.recipes.tabular_recipe import field_of
from unite.embedding import addresses
from unite.errors import DataError, SkippedRowError, must_be
from unite.search.corpus.columns import Types, cast, choose_columns
from unite.search.corpus.lance_table import LanceTable
from unite.search.corpus.rows import CorpusRow, Key, MediumAt, state_of
from unite.types import Modality

_MEDIA = {"image": Modality.IMAGE, "video": Modality.VIDEO}


class TableSource:
    """Tables with one set of columns, as a `CorpusSource`.

    Args:
        address: as it was given.
        tables: the files.
        config: which columns are what.
        base: what the paths of media are relative to.
        shown: what a file is called in the sources of its rows, in place of its own folder (that of a copy); None is that folder.

    Raises:
        ConfigError: if the columns are not as they were told, or tell nothing to embed.
    """

    def __init__(self, address: str, tables: Sequence[Table], config: ColumnsConfig, base: str, shown: str | None = None) -> None:
        self.address = address
        self.tables = list(tables)
        first = self.tables[0]
        names = [name for name in first.columns if all(name in table.columns for table in self.tables)]
        self.chosen = choose_columns(names, config, first.path.name)
        self._base, self._shown = base, shown
        paths = [str(table.path) for table in self.tables]
        self._root = os.path.commonpath([os.path.dirname(path) for path in paths])  # noqa: PTH120  a Path has no commonpath
        self._types = Types(self.chosen.renamed, of_text=is_csv(first.path))
        self._is_surveyed = False

    @property
    def columns(self) -> Mapping[str, str]:
        """As of `CorpusSource`."""
        if all(isinstance(table, ParquetTable | LanceTable) for table in self.tables):
            kinds = _kinds_of(_schema_of(self.tables[0]), self.chosen.renamed)
        else:
            kinds = self._types.kinds
        return {self.chosen.renamed[name]: kind for name, kind in kinds.items()}

    def __len__(self) -> int:
        return self._starts[-1]

    def survey(self) -> Iterator[Key]:
        """As of `CorpusSource`."""
        for table in self.tables:
            own = table.state() if isinstance(table, LanceTable) else state_of([table.path])
            for number, record in enumerate(self._keys(table)):
                if not isinstance(table, ParquetTable | LanceTable) and not self._is_surveyed:
                    self._types.learn(record)
                yield self._key(table, number, record, own)
        self._is_surveyed = True

    def row(self, position: int) -> CorpusRow:
        """As of `CorpusSource`."""
        table, number = self._place(position)
        record, chosen, where = table[number], self.chosen, self._source(table, number)
        text = field_of(record, chosen.text) if chosen.text else None
        if text is not None and not isinstance(text, str | int | float):
            raise DataError(must_be(f"{chosen.text} of {where}", "a text", type(text).__name__))
        media = [
            medium
            for role, modality in _MEDIA.items()
            if (column := getattr(chosen, role))
            for medium in self._media(field_of(record, column), modality, f"{column} of {where}")
        ]
        kinds = self.columns
        cells = {new: cast(record.get(old), kinds[new]) for old, new in chosen.renamed.items() if new in kinds}
        metadata = {name: cell for name, cell in cells.items() if cell is not None}
        paths = [medium.where for medium in media if medium.read_bytes is None]
        is_missing = text is None or (isinstance(text, float) and text != text)
        return CorpusRow(paths[0] if paths else where, "" if is_missing else str(text).strip(), tuple(media), metadata)

    def state(self, position: int) -> tuple[int, int] | None:
        """As of `CorpusSource`: not known of one row."""
        return None

    def files(self) -> Sequence[Path]:
        """As of `CorpusSource`."""
        return [table.path for table in self.tables if not isinstance(table, LanceTable)]

    def left(self) -> Sequence[tuple[str, str]]:
        """As of `CorpusSource`."""
        return ()

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        for table in self.tables:
            starts.append(starts[-1] + len(table))
        return starts

    def _place(self, position: int) -> tuple[Table, int]:
        for table, start in zip(reversed(self.tables), reversed(self._starts[:-1]), strict=True):
            if position >= start:
                return table, position - start
        raise IndexError(position)

    def _source(self, table: Table, number: int) -> str:
        return f"{f'{self._shown}/{table.path.name}' if self._shown else table.path}#{number}"

    def _keys(self, table: Table) -> Iterator[Record]:
        """Yields what a survey needs of each record: of parquet the columns that hold no bytes."""
        chosen = self.chosen
        if isinstance(table, ParquetTable | LanceTable):
            schema = _schema_of(table)
            wanted = [chosen.id, *(column for column in (chosen.image, chosen.video) if column and _is_text(schema, column))]
            names = [name for name in wanted if name]
            if not names:
                yield from ({} for _ in range(len(table)))
            elif isinstance(table, LanceTable):
                yield from table.records(names)
            else:
                with pq.ParquetFile(table.path) as file:
                    for batch in file.iter_batches(4096, columns=names):
                        yield from batch.to_pylist()
            return
        for number in range(len(table)):
            try:
                yield table[number]
            except SkippedRowError:
                yield {}

    def _key(self, table: Table, number: int, record: Record, own: tuple[int, int]) -> Key:
        id = field_of(record, self.chosen.id) if self.chosen.id else None
        if id is None or not isinstance(id, str | int | float) or str(id) == "":
            id = f"{Path(table.path).relative_to(self._root).as_posix()}#{number}"
        columns = (self.chosen.image, self.chosen.video)
        values = [value for column in columns if column for value in _listed(field_of(record, column))]
        try:
            paths = [path for value in values if (path := self._path(value)) and "://" not in path]
        except DataError:  # told as the row is read
            paths = []
        if not paths:
            return Key(str(id), *own)
        size, modified = state_of(paths)
        return Key(str(id), size, max(modified, own[1]))

    def _path(self, value: Any) -> str:
        """Returns the path or address that a value is, "" of one that is the medium itself."""
        if isinstance(value, Mapping):
            value = None if value.get("bytes") is not None else value.get("path")
        if not isinstance(value, str) or not value.strip():
            return ""
        kind = addresses.address_of(value)
        if kind is addresses.Address.data:
            return ""
        if kind is addresses.Address.file:
            return str(addresses.path_of_uri(value))
        if value.split("://")[0].lower() in ("http", "https"):
            raise DataError(must_be("a medium", "a file or in a store", value, "Nothing is fetched from the web: download it first."))
        return value if "://" in value or Path(value).is_absolute() else f"{self._base}/{value}" if self._base else value

    def _media(self, values: Any, modality: Modality, where: str) -> Iterator[MediumAt]:
        for value in _listed(values):
            if path := self._path(value):
                yield MediumAt(modality, path)
            elif isinstance(value, str):
                yield MediumAt(modality, where, partial(addresses.data_of_uri, value))
            else:
                data = value.get("bytes") if isinstance(value, Mapping) else value
                if isinstance(value, Mapping) and data is None:  # as Hugging Face stores that there is none
                    continue
                if not isinstance(data, bytes) or not data:
                    raise DataError(must_be(where, "a path, bytes, or an object with bytes or a path", type(value).__name__))
                yield MediumAt(modality, where, partial(bytes, data))


def _listed(values: Any) -> Sequence[Any]:
    """Returns the media in a cell: none, one, or several."""
    if values is None or values == "" or (isinstance(values, float) and values != values):
        return ()
    return values if isinstance(values, list | tuple) else (values,)


def _schema_of(table: Table) -> pa.Schema:
    if isinstance(table, LanceTable):
        return table.schema
    with pq.ParquetFile(table.path) as file:
        schema: pa.Schema = file.schema_arrow
        return schema


def _is_text(schema: pa.Schema, column: str) -> bool:
    """Whether a column holds paths, or lists of them."""
    if column not in schema.names:
        return False
    kind = schema.field(column).type
    kind = kind.value_type if pa.types.is_list(kind) or pa.types.is_large_list(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _kinds_of(schema: pa.Schema, names: Mapping[str, str]) -> dict[str, str]:
    """Returns the types of columns as metadata; those of other types are left out."""
    kinds = {}
    for name in names:
        kind = schema.field(name).type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        if pa.types.is_boolean(kind):
            kinds[name] = "bool"
        elif pa.types.is_integer(kind):
            kinds[name] = "int64"
        elif pa.types.is_floating(kind):
            kinds[name] = "double"
        elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
            kinds[name] = "string"
    return kinds
