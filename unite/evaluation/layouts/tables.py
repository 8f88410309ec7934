"""Annotation files read whole or row by row, each error with the file's name."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any

from unite.evaluation.layouts.source import BenchmarkFiles

#: Characters read at a time by `first_of_json_list`.
CHUNK = 1 << 20


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
    with path.open(encoding="utf-8-sig") as lines:
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
    with path.open(encoding="utf-8-sig") as file:
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
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        found = reader.fieldnames or ()
        missing = [column for column in columns if column not in found]
        if missing:
            raise files.broken(f"the header of {path}", f"such that {', '.join(missing)} is among its columns", ", ".join(found))
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
