"""Cuts CSV, TSV and JSON Lines into records, and reads one. Joined, the records are the file: so lengths are offsets.

Nothing here trusts the file: bytes that are no UTF-8, quotation marks that nobody closes and lines without end make records that cannot be
read, which are counted, and no other record is lost with them.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from unite.curation.recipes.annotation_files import CSV, TSV, format_of, reading
from unite.curation.recipes.csv_records import csv_records
from unite.curation.recipes.tsv_quotes import SEPARATOR, has_quoted_names, is_quoted
from unite.errors import DataError, SkippedRowError, must_be

Record = Mapping[str, Any]
#: What `json.loads` raises on rubbish: brackets nested without end are one kind.
JSON_ERRORS = (ValueError, RecursionError)
#: Bytes. A longer record is refused: what has no line breaks, or a quotation mark too many, must not fill the memory.
MAX_RECORD = 1 << 24
#: What a blank line holds. Tabs alone are empty fields of a TSV.
_BLANK = b" \r\n"
#: What files in UTF-16 and UTF-32 begin with.
_UTF_16 = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
csv.field_size_limit(MAX_RECORD)  # the module's own limit of 128 kB is less than a long document


def is_csv(path: Path) -> bool:
    """Whether it has a header, and fields by position."""
    return format_of(path) in (CSV, TSV)


def has_quotes(path: Path, file: BinaryIO) -> bool:
    """Whether fields may be in quotes: all of a CSV, some of a TSV (`unite.curation.recipes.tsv_quotes`)."""
    return format_of(path) == CSV or (format_of(path) == TSV and is_quoted(_lines(file), MAX_RECORD))


def records(path: Path, file: BinaryIO, *, quotes: bool) -> Iterator[bytes]:
    """Cuts a file into records, whole, the header among them. Blank lines belong to the record before them."""
    held = b""
    separator = b"," if format_of(path) == CSV else SEPARATOR
    for record in csv_records(_lines(file), MAX_RECORD, separator) if quotes else _lines(file):
        if held.strip(_BLANK) and record.strip(_BLANK):
            yield held
            held = b""
        held += record
    if held.strip(_BLANK):
        yield held


def columns_of(path: Path, first: Sequence[bytes]) -> list[str]:
    """Returns the header, or every name in the first JSON records. Raises DataError, with the fault of the first, if none can be read."""
    if first[0].startswith(_UTF_16) or b"\0" in first[0][:4]:
        raise DataError(must_be(str(path), "a file in UTF-8", "in UTF-16 or UTF-32", "Save it as UTF-8."))
    if not is_csv(path) and first[0].strip() == b"[":
        raise DataError(must_be(str(path), "a file with a JSON object a line", "one JSON list", f"Name it {path.stem}.json."))
    names: dict[str, None] = {}
    faults = []
    for number, record in enumerate(first):
        try:
            if is_csv(path):
                return fields(path, number, record, quotes=format_of(path) == CSV or has_quoted_names(record))
            names.update(dict.fromkeys(names_in(json_record(path, number, record))))
        except SkippedRowError as error:
            faults.append(error.detail)
    if len(faults) == len(first):
        expected = "a file in UTF-8 that begins with a header" if is_csv(path) else "a file in UTF-8 with a JSON object a line"
        raise DataError(must_be(str(path), expected, faults[0]))
    return list(names)


def names_in(record: Record, before: str = "") -> Iterator[str]:
    """Yields the names of a record's fields, and `a.b` of those of an object in field a."""
    for name, value in record.items():
        yield before + name
        if isinstance(value, Mapping):
            yield from names_in(value, f"{before}{name}.")


def fields(path: Path, number: int, record: bytes, *, quotes: bool) -> list[str]:
    """Returns the fields of a CSV or TSV record, which may be in quotes. Raises SkippedRowError if it has none to be read."""
    _check_length(path, number, record)
    try:
        text = record.decode("utf-8-sig")
        if not quotes:
            return next(line for line in text.split("\n") if line.strip(" \r")).rstrip("\r").split("\t")
        separator = "," if format_of(path) == CSV else SEPARATOR.decode()
        read = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        rows = [row for row in read if len(row) > 1 or "".join(row).strip(" ")] or [[""]]
        if len(rows) != 1:
            raise csv.Error(f"{len(rows)} rows in one: a carriage return without a line feed")
        return rows[0]
    except UnicodeDecodeError as error:
        raise SkippedRowError("not UTF-8", f"record {number} of {path.name}: {error}") from error
    except csv.Error as error:
        fault = str(error).replace("unexpected end of data", "a quotation mark is not closed")
        raise SkippedRowError("unreadable record", f"record {number} of {path.name} is no {format_of(path)} ({fault})") from error


def json_of(path: Path) -> Any:
    """Returns what a JSON file holds, read whole. Raises DataError if it is none."""
    try:
        with reading(path) as file:
            return json.load(file)
    except JSON_ERRORS as error:
        raise DataError(f"{path} is no JSON ({error}).") from error


def json_record(path: Path, number: int, record: bytes) -> Record:
    """Returns the object of a JSON line. Raises SkippedRowError if it is none."""
    _check_length(path, number, record)
    try:
        value = json.loads(record)
    except UnicodeDecodeError as error:
        raise SkippedRowError("not UTF-8", f"record {number} of {path.name}: {error}") from error
    except JSON_ERRORS as error:
        raise SkippedRowError("unreadable record", f"record {number} of {path.name} is no JSON ({error})") from error
    if not isinstance(value, dict):
        raise SkippedRowError("unreadable record", f"record {number} of {path.name} is {type(value).__name__}, not an object")
    return value


def _check_length(path: Path, number: int, record: bytes) -> None:
    if len(record) >= MAX_RECORD:
        raise SkippedRowError("record too large", f"record {number} of {path.name} has {MAX_RECORD} bytes or more")


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Lines; one above the limit is cut into pieces of it."""
    while line := file.readline(MAX_RECORD):
        yield line
