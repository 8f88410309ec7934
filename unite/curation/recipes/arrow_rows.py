"""Rows of an Arrow table, as parquet files and saved Hugging Face datasets hold them, as records.

A cell that is no value (bytes that are no UTF-8 in a column of strings, say) costs its row and no other. A class label, which is stored as
a number, is its name: the schemas that the `datasets` library writes tell it, or the README of a folder as on the hub.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa

from unite.curation.recipes.lines import Record
from unite.errors import SkippedRowError

#: What Arrow raises where it makes Python objects.
_ERRORS = (ValueError, ArithmeticError, LookupError, TypeError, pa.ArrowException)
#: Of a schema's metadata, and of a feature that is a class label.
_LIBRARY, _LABEL = b"huggingface", "ClassLabel"


def rows_of(table: pa.Table, where: str, first: int) -> Iterator[Record | SkippedRowError]:
    """Yields the records of a table, and what is wrong with one that cannot be read.

    Args:
        table: the rows.
        where: the file they are in, for errors.
        first: the number that the first of them has there.
    """
    labels = _labels((table.schema.metadata or {}).get(_LIBRARY, b""))
    try:
        records: Sequence[Record | SkippedRowError] = table.to_pylist()
    except _ERRORS:
        records = [_row(table.slice(at, 1), f"record {first + at} of {where}") for at in range(len(table))]
    for record in records:
        yield record if isinstance(record, SkippedRowError) else with_names(record, labels)


def with_names(record: Record, labels: Mapping[str, Any]) -> Record:
    """Returns a record with the names of its class labels. `labels` are the features of the columns that hold some."""
    named = {name: _named(record[name], feature) for name, feature in labels.items() if name in record}
    return {**record, **named} if named else record


def labels_among(features: Mapping[str, Any]) -> dict[str, Any]:
    """Returns those features, as the `datasets` library writes them, that hold class labels."""
    return {name: feature for name, feature in features.items() if _LABEL in json.dumps(feature)}


def names_in_schema(fields: Sequence[pa.Field] | pa.Schema, before: str = "") -> Iterator[str]:
    """Yields the names of columns, and `a.b` of the fields of a struct a."""
    for field in fields:
        yield before + field.name
        if pa.types.is_struct(field.type):
            yield from names_in_schema(field.type.fields, f"{before}{field.name}.")


def _row(row: pa.Table, where: str) -> Record | SkippedRowError:
    """Reads a row cell by cell; a time that Python has no name for, which no recipe has a use for, is none."""
    record: dict[str, Any] = {}
    for field, column in zip(row.schema, row.columns, strict=True):
        try:
            record[field.name] = column[0].as_py()
        except _ERRORS as error:
            if not pa.types.is_temporal(field.type):
                reason = "not UTF-8" if isinstance(error, UnicodeDecodeError) else "unreadable record"
                return SkippedRowError(reason, f"{field.name} of {where}: {error}")
            record[field.name] = None
    return record


@lru_cache
def _labels(metadata: bytes) -> dict[str, Any]:
    """Returns the features of the columns that hold class labels, from what the `datasets` library wrote beside a schema."""
    try:
        return labels_among(json.loads(metadata)["info"]["features"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}


def _named(value: Any, feature: Any) -> Any:
    """Returns a value with the names of the class labels in it; one that is -1, or none of them, is None."""
    if isinstance(feature, list) and feature:  # an older way to write a list
        feature = {"_type": "List", "feature": feature[0]}
    if not isinstance(feature, Mapping):
        return value
    if feature.get("_type") == _LABEL:
        names = feature.get("names")
        if isinstance(value, str) and value.isdecimal() and value not in (names or ()):  # of a CSV
            value = int(value)
        if not isinstance(names, list) or not isinstance(value, int):
            return value
        return names[value] if 0 <= value < len(names) else None
    within = feature.get("feature", feature)  # of a list; an object's own fields
    if isinstance(value, list):
        return [_named(one, within) for one in value]
    if isinstance(value, Mapping) and isinstance(within, Mapping):  # also an object of lists, as the library keeps a list of objects
        return {name: _named(one, within.get(name)) for name, one in value.items()}
    if isinstance(within, Mapping) and within.get("_type") == _LABEL:
        return _named(value, within)
    return value
