"""Cuts CSV, TSV and JSON Lines into records, and reads one. Joined, the records are the file: so lengths are offsets.

Nothing here trusts the file: bytes that are no UTF-8, quotation marks that nobody closes and lines without end make records that cannot be
read, which are counted, and the records after them are read again.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from unite.errors import DataError, SkippedRowError, must_be

Record = Mapping[str, Any]
#: What `json.loads` raises on rubbish: brackets nested without end are one kind.
JSON_ERRORS = (ValueError, RecursionError)
#: Bytes. A longer record is refused: what has no line breaks, or a quotation mark too many, must not fill the memory.
MAX_RECORD = 1 << 24
csv.field_size_limit(MAX_RECORD)  # the module's own limit of 128 kB is less than a long document


def is_csv(path: Path) -> bool:
    """Whether it has a header, and fields by position."""
    return path.suffix in (".csv", ".tsv")


def records(path: Path, file: BinaryIO) -> Iterator[bytes]:
    """Cuts a file into records, whole, the header among them. Blank lines belong to the record before them."""
    held = b""
    for record in _csv_records(file) if path.suffix == ".csv" else _lines(file):
        if held.strip() and record.strip():
            yield held
            held = b""
        held += record
    if held.strip():
        yield held


def columns_of(path: Path, first: Sequence[bytes]) -> Iterable[str]:
    """Returns the header, or the names in the first JSON record that is one. Raises DataError, with the fault of the first, if none is."""
    faults = []
    for number, record in enumerate(first):
        try:
            return fields(path, number, record) if is_csv(path) else json_record(path, number, record)
        except SkippedRowError as error:
            faults.append(error.detail)
    expected = "a file in UTF-8 that begins with a header" if is_csv(path) else "a file in UTF-8 with a JSON object a line"
    raise DataError(must_be(str(path), expected, faults[0]))


def fields(path: Path, number: int, record: bytes) -> list[str]:
    """Returns the fields of a CSV or TSV record. Raises SkippedRowError if it has none to be read."""
    _check_length(path, number, record)
    try:
        text = record.decode("utf-8-sig")
        if path.suffix == ".tsv":  # tab-separated captions are not quoted: a quotation mark is one
            return text.rstrip("\r\n").split("\t")
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
        if len(rows) != 1:
            raise csv.Error(f"{len(rows)} rows in one: a carriage return without a line feed")
        return rows[0]
    except UnicodeDecodeError as error:
        raise SkippedRowError("not UTF-8", f"record {number} of {path.name}: {error}") from error
    except csv.Error as error:
        raise SkippedRowError("unreadable record", f"record {number} of {path.name}{extent(record)} is no CSV ({error})") from error


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


def extent(record: bytes) -> str:
    """Says over how many lines a record goes, if more than one."""
    num_lines = record.strip().count(b"\n") + 1
    return f" in {num_lines} lines (is a quotation mark not closed?)" if num_lines > 1 else ""


def _check_length(path: Path, number: int, record: bytes) -> None:
    if len(record) >= MAX_RECORD:
        raise SkippedRowError("record too large", f"record {number} of {path.name} has {MAX_RECORD} bytes or more")


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Lines; one above the limit is cut into pieces of it."""
    while line := file.readline(MAX_RECORD):
        yield line


def _csv_records(file: BinaryIO) -> Iterator[bytes]:
    """A quoted field may hold line breaks: the csv module says where a record ends. What it cannot read is a record of its own."""
    read: list[bytes] = []

    def lines() -> Iterator[str]:
        for line in _lines(file):
            read.append(line)
            yield line.decode("utf-8", errors="replace")

    reader = csv.reader(lines(), strict=True)
    while True:
        try:
            next(reader)
        except StopIteration:
            return
        except csv.Error:
            reader = csv.reader(lines(), strict=True)
        yield b"".join(read)
        read.clear()
