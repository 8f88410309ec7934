"""The recipe over an annotation file: one record, one row."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from unite.curation.raw import RawContent, RawRow
from unite.curation.recipes.annotation_files import fingerprint_files
from unite.curation.recipes.lines import Record
from unite.curation.recipes.table_files import check_columns, open_tables
from unite.errors import DataError, SkippedRowError, must_be
from unite.media.ready import RawMedium
from unite.types import Modality, escape_places

#: A list of texts, or none, as Python, NumPy and JSON write it: which of them was meant is not to be guessed.
_LIST = re.compile(r"""\[\s*(?:["'].*["']\s*,?\s*)?\]""", re.DOTALL)


class TabularRecipe(ABC):
    """Base of the recipes that read an annotation file; a subclass says which columns it needs and what a record means.

    Args:
        name: of the source; its shards go to a folder of this name.
        annotations: a file or a glob of CSV, TSV, JSONL, JSON or parquet files.
        columns: those that must be there, each behind the option that names it, "" where it belongs to the format. A column "" is none.
        licence: of every row.
        media_root: what paths in the annotations are relative to; the folder of the annotations by default. An absolute path, or one
            with `..`, is taken as it stands: read annotations of others before you use them.

    Raises:
        DataError: if there is no such file, media_root is no folder, or a column is missing; the message lists those found and the option
            to set.
    """

    def __init__(
        self, name: str, annotations: str | Path, *, columns: Iterable[tuple[str, str]], licence: str = "", media_root: str | Path = ""
    ) -> None:
        self.name = name
        self.table = open_tables(f"{name}.annotations", annotations)
        check_columns(name, self.table, [(option, column) for option, column in columns if column])
        self.licence = licence
        self.media_root = media_folder(name, media_root, self.table.path.parent)

    def __len__(self) -> int:
        return len(self.table)

    def read(self, index: int) -> RawRow:
        """Returns the row of a record. Raises SkippedRowError if it has none."""
        record = self.table[index]
        try:
            return self.row(f"{index:09d}", record)
        except SkippedRowError as error:
            error.fields = record
            raise

    def fingerprint(self) -> str:
        """Digests the annotation files."""
        return fingerprint_files(table.path for table in self.table.tables)

    @abstractmethod
    def row(self, key: str, record: Record) -> RawRow:
        """Returns what a record means. Raises SkippedRowError if it lacks something."""

    def file_in(self, record: Mapping[str, Any], column: str, suffix: str = "") -> str:
        """Returns the path in a field, with a suffix. Blanks around it are part of the name where there is such a file, else they go.

        Raises SkippedRowError if the field is empty.
        """
        stripped, value = needed(record, column) + suffix, field_of(record, column)
        as_it_stands = f"{value}{suffix}"
        return as_it_stands if as_it_stands != stripped and (self.media_root / as_it_stands).is_file() else stripped

    def medium(self, modality: Modality, value: str | bytes, start: float | None = None, end: float | None = None) -> RawMedium:
        """Returns a medium of the collection, or a clip of it, by its path or as the bytes that the record holds."""
        if isinstance(value, bytes):
            return RawMedium(modality, data=value, start=start, end=end)
        return RawMedium(modality, str(self.media_root / value), start=start, end=end)


def media_folder(name: str, media_root: str | Path, default: Path) -> Path:
    """Returns the folder that paths of media are relative to. Raises DataError if one is named that is none."""
    if not media_root:
        return default
    if not Path(media_root).is_dir():
        found = f"the file {media_root}" if Path(media_root).is_file() else f"{media_root}, which is not there"
        raise DataError(must_be(f"{name}.media_root", "a folder", found))
    return Path(media_root)


def field_of(record: Mapping[str, Any], column: str) -> Any:
    """Returns a field, or field b of the object in field a for `a.b`; None where it is missing."""
    if column in record:  # also where it has a dot in its name
        return record[column]
    value: Any = record
    for name in column.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def text_of(record: Mapping[str, Any], column: str) -> str:
    """Returns a field (see `field_of`) as text, "" where it is missing, null or NaN.

    Raises SkippedRowError if it is neither text nor a number, or a list that was written as text, as pandas does in CSV.
    """
    value = field_of(record, column)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if not isinstance(value, str | int | float):
        raise SkippedRowError("unreadable record", f"{column} is {type(value).__name__}, not text")
    text = str(value).strip()
    if text[:1] == "[" and _LIST.fullmatch(text):
        raise SkippedRowError("list as text", f"{column} is {text[:60]!r}: JSON Lines and parquet keep lists")
    return text


def needed(record: Mapping[str, Any], column: str) -> str:
    """Returns a field that must hold something. Raises SkippedRowError if it is empty."""
    text = text_of(record, column)
    if not text:
        raise SkippedRowError("empty field", f"{column} is empty")
    return text


def rest_of(record: Mapping[str, Any], used: Iterable[str]) -> dict[str, str]:
    """Returns the fields a recipe made no use of, as text: what is kept as metadata. Bytes, nested fields and NaN are left out."""
    left_out = set(used)
    return {
        name: str(value)
        for name, value in record.items()
        if name not in left_out and isinstance(value, str | int | float | bool) and value != "" and value == value
    }


def content(text: str = "", *media: RawMedium, instruction: str = "", group: str = "", has_places: bool = False) -> RawContent:
    """Returns a content.

    Args:
        text, instruction: as they were written: a `<|IMAGE|>` in them is text like any other.
        media, group: as in `RawContent`.
        has_places: whether they are as in `RawContent` too: a place in them is one.

    Raises:
        SkippedRowError: if it holds neither text nor medium.
    """
    if not text.strip() and not media:
        raise SkippedRowError("empty content", "it holds neither text nor medium")
    if not has_places:
        text, instruction = escape_places(text), escape_places(instruction)
    return RawContent(text, media, instruction, group)
