"""A metadata column, an operator and a value as SQL that means this and nothing else, as LanceDB reads it (DataFusion's dialect)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from unite.errors import DataError, must_be, must_be_one_of
from unite.search.corpus.lance import quoted

#: Operator -> what it is called on the page.
OPERATORS = {
    "=": "is",
    "!=": "is not",
    "<": "below",
    "<=": "at most",
    ">": "above",
    ">=": "at least",
    "contains": "contains",
    "empty": "is empty",
    "filled": "is not empty",
}
_COMPARED = ("<", "<=", ">", ">=")
_INT64 = 1 << 63


@dataclass(frozen=True)
class Filter:
    """One line of the page's filters.

    Attributes:
        column: of the metadata.
        operator: one of `OPERATORS`.
        value: as it was typed; nothing for `empty` and `filled`.
    """

    column: str
    operator: str
    value: str = ""

    def sql(self, columns: Mapping[str, str]) -> str:
        """Returns the condition.

        Args:
            columns: those of the corpus with their types, as `Searching.columns`.

        Raises:
            DataError: if there is no such column or operator, or the value is not of the column's type.
        """
        if self.column not in columns:
            raise DataError(must_be_one_of("the column of a filter", columns, self.column))
        if self.operator not in OPERATORS:
            raise DataError(must_be_one_of("the operator of a filter", OPERATORS, self.operator))
        name, kind = quoted_name(self.column), columns[self.column]
        if self.operator in ("empty", "filled"):
            is_empty = f"({name} IS NULL OR {name} = '')" if kind == "string" else f"{name} IS NULL"
            return is_empty if self.operator == "empty" else f"NOT ({is_empty})"
        if self.operator == "contains":
            if kind != "string":
                raise DataError(must_be(f"a filter with 'contains' on {self.column}", "on a column of texts", kind))
            return f"strpos(lower({name}), lower({quoted_text(self.value)})) > 0"
        if kind == "bool" and self.operator in _COMPARED:
            raise DataError(must_be(f"the operator of a filter on {self.column}", "= or !=: it is true or false", self.operator))
        return f"{name} {self.operator} {_LITERALS.get(kind, _text)(self.column, self.value)}"


def quoted_name(column: str) -> str:
    """Returns a column's name as SQL. Raises DataError if it holds a backtick, for which LanceDB has no spelling."""
    if "`" in column:
        raise DataError(must_be("the name of a column in a filter", "without backticks", column, "Rename it in the corpus."))
    return f"`{column}`"


def quoted_text(text: str) -> str:
    """Returns a text as SQL: quotation marks doubled, and nothing else means anything in it."""
    if "\0" in text:
        raise DataError(must_be("the value of a filter", "a text without null characters", text))
    return quoted([text])


def _text(column: str, value: str) -> str:
    return quoted_text(value)


def _whole(column: str, value: str) -> str:
    try:
        number = int(value.strip())
    except ValueError:
        number = _INT64
    if not -_INT64 <= number < _INT64:
        raise DataError(must_be(f"the value of a filter on {column}", "a whole number of at most 63 bits", value))
    return str(number)


def _number(column: str, value: str) -> str:
    try:
        number = float(value.strip().replace(",", "."))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise DataError(must_be(f"the value of a filter on {column}", "a number", value))
    return repr(number)


def _truth(column: str, value: str) -> str:
    found = {"true": "true", "yes": "true", "1": "true", "false": "false", "no": "false", "0": "false"}.get(value.strip().lower())
    if found is None:
        raise DataError(must_be(f"the value of a filter on {column}", "true or false", value))
    return found


_LITERALS: dict[str, Callable[[str, str], str]] = {"string": _text, "int64": _whole, "double": _number, "bool": _truth}
