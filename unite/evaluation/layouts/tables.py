"""Annotation files read whole or row by row, each error with the file's name."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from unite.evaluation.layouts.shard_files import whole_set
from unite.evaluation.layouts.source import BenchmarkFiles

#: Characters read at a time by `first_of_json_list`.
CHUNK = 1 << 20
#: Rows of parquet read at a time: one may hold a thousand candidates.
_ROWS = 64
#: Suffixes of `read_table`, the first of which is asked for.
_OF_TABLES = (".parquet", ".jsonl", ".json")


def read_text(files: BenchmarkFiles, path: Path) -> str:
    """Returns what a text file holds."""
    with _utf8(files, path):
        return path.read_text(encoding="utf-8-sig")


def read_json(files: BenchmarkFiles, name: str) -> Any:
    """Returns what a JSON file holds."""
    path = files.find(name)
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise files.broken(f"the file {path}", "JSON", str(error)) from error


def read_json_list(files: BenchmarkFiles, name: str) -> list[Any]:
    """Returns the rows of a JSON file that holds a list."""
    rows = read_json(files, name)
    if not isinstance(rows, list):
        raise files.broken(f"the file {files.folder / name}", "a JSON list of rows", type(rows).__name__)
    return rows


def read_json_lines(files: BenchmarkFiles, name: str) -> Iterator[tuple[str, Any]]:
    """Yields (where, row) of a file with one JSON object a line."""
    path = files.find(name)
    with _utf8(files, path), path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    yield f"line {number} of {path.name}", json.loads(line)
                except ValueError as error:
                    raise files.broken(f"line {number} of {path}", "JSON", str(error)) from error


def first_of_json_list(files: BenchmarkFiles, name: str, count: int) -> list[Any]:
    """Returns the first rows of a JSON list without reading the rest: such a file may hold a million."""
    path = files.find(name)
    decoder = json.JSONDecoder()
    rows: list[Any] = []
    with _utf8(files, path), path.open(encoding="utf-8-sig") as file:
        text = file.read(CHUNK).lstrip()
        if not text.startswith("["):
            raise files.broken(f"the file {path}", "a JSON list of rows", text[:40])
        text = text[1:]
        while len(rows) < count:
            text = text.lstrip(" \t\r\n,")
            if text.startswith("]"):
                break
            try:
                row, end = decoder.raw_decode(text)
            except ValueError as error:
                more = file.read(CHUNK)
                if not more:
                    raise files.broken(f"row {len(rows)} of {path}", "JSON", str(error)) from error
                text += more
                continue
            rows.append(row)
            text = text[end:]
    return rows


def read_csv(files: BenchmarkFiles, name: str, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Returns the rows of a CSV file with a header. Raises DataError if a column is missing, or a row is none.

    A benchmark is whole or none: a stray quotation mark, which would make one row of many, is an error.
    """
    path = files.find(name)
    with _utf8(files, path), path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        found = reader.fieldnames or ()
        missing = [column for column in columns if column not in found]
        if missing:
            raise files.broken(f"the header of {path}", f"such that {', '.join(missing)} is among its columns", ", ".join(found))
        if any(list(found).count(column) > 1 for column in columns):
            raise files.broken(f"the header of {path}", f"with one column {' and one '.join(columns)}", ", ".join(found))
        rows: list[dict[str, str]] = []
        try:
            rows.extend(reader)
        except csv.Error as error:
            raise files.broken(f"row {len(rows)} of {path}", "CSV", str(error)) from error
    for number, row in enumerate(rows):
        if None in row:  # where the reader puts what is too much
            raise files.broken(f"row {number} of {path}", f"of the {len(found)} fields of the header", "longer")
        empty = [column for column in columns if not (row[column] or "").strip()]
        if empty:
            raise files.broken(f"row {number} of {path}", f"filled in {', '.join(columns)}", f"empty in {', '.join(empty)}")
    return rows


def read_table(
    files: BenchmarkFiles, name: str, columns: Sequence[str], split: str = "test", config: str = ""
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yields (where, row) of a table: the first that is there of `name.parquet`, `name.jsonl`, `name.json` and a folder of the hub's form.

    Args:
        files: of the benchmark.
        name: path without suffix; of a folder, that of the repository: `name/data/test-00000-of-00001.parquet`.
        columns: what a row must have; of parquet nothing else is read.
        split: of the hub's form, what its files' names begin with.
        config: of the hub's form, the folder in it that they are in; "" for any.

    Raises:
        MissingTaskError: if there is none, or a part of it is missing.
        DataError: if it cannot be read, has no row, or lacks a column, with those that it has; or if several lie in the folder.
    """
    number = 0
    for path in _tables(files, name, split, config):
        choose = partial(_checked, files, f"the columns of {path}", columns)
        for row in parquet_rows(files, path, choose) if path.suffix == ".parquet" else _json_rows(files, path, columns):
            yield f"row {number} of {name}", row
            number += 1
    if not number:
        raise files.broken(f"the table {name}", "of at least one row", "empty")


def parquet_rows(files: BenchmarkFiles, path: Path, choose: Callable[[list[str]], Sequence[str]]) -> Iterator[dict[str, Any]]:
    """Yields the rows of a parquet file, some at a time.

    Args:
        files: of the benchmark.
        path: the file.
        choose: gets the columns that there are, without the index that pandas writes, and returns those to read, or raises.

    Raises:
        DataError: if it is no parquet.
    """
    try:
        table = pq.ParquetFile(path)
        columns = choose([name for name in table.schema_arrow.names if not name.startswith("__index_level_")])
        for batch in table.iter_batches(_ROWS, columns=list(columns)):
            yield from batch.to_pylist()
    except (OSError, ValueError) as error:  # Arrow's errors, and of texts that are no UTF-8
        raise files.broken(f"the file {path}", "parquet", str(error)) from error


@contextmanager
def _utf8(files: BenchmarkFiles, path: Path) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        raise files.broken(f"the text of {path}", "UTF-8", str(error), "Download it again, or save it as UTF-8.") from error


def _json_rows(files: BenchmarkFiles, path: Path, columns: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    name = str(path.relative_to(files.folder))
    rows = (
        read_json_lines(files, name)
        if path.suffix == ".jsonl"
        else ((f"row {at} of {name}", row) for at, row in enumerate(read_json_list(files, name)))
    )
    for where, row in rows:
        if not isinstance(row, dict):
            raise files.broken(where, "an object with named fields", type(row).__name__)
        _checked(files, f"the fields of {where}", columns, list(row))
        yield row


def _checked(files: BenchmarkFiles, what: str, columns: Sequence[str], found: Sequence[str]) -> Sequence[str]:
    """Returns the columns wanted. Raises DataError, with those that there are, if one is missing."""
    missing = [column for column in columns if column not in found]
    if missing:
        raise files.broken(what, f"such that {', '.join(missing)} is among them", ", ".join(found))
    return columns


def _tables(files: BenchmarkFiles, name: str, split: str, config: str) -> list[Path]:
    whole = [path for suffix in _OF_TABLES if (path := files.folder / f"{name}{suffix}").is_file()][:1]
    folder = files.folder / name
    parts = [path for path in folder.rglob(f"{split}-*.parquet") if not config or config in path.relative_to(folder).parts]
    return whole or whole_set(files, parts, name) or [files.find(f"{name}{_OF_TABLES[0]}")]
