"""Filters as LanceDB reads them, against the same asked in Python."""

import operator

import lancedb
import pyarrow as pa
import pytest

from unite.errors import DataError
from unite.search.page.filters import Filter

TITLES = ["it's", "50%", "a_b\\", None, "", "x' OR '1'='1", "<b>", "Ünï"]
ROWS = [
    {"id": str(at), "the title": title, "n": at - 2 if at else None, "ratio": at / 2, "sold": (True, False, None)[at % 3]}
    for at, title in enumerate(TITLES)
]
COLUMNS = {"the title": "string", "n": "int64", "ratio": "double", "sold": "bool"}
COMPARED = {"=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    fields = [("id", pa.string()), ("the title", pa.string()), ("n", pa.int64()), ("ratio", pa.float64()), ("sold", pa.bool_())]
    return lancedb.connect(tmp_path_factory.mktemp("db")).create_table("corpus", pa.Table.from_pylist(ROWS, pa.schema(fields)))


def found(table, *filters):
    where = " AND ".join(one.sql(COLUMNS) for one in filters)
    return {row["id"] for row in table.search().where(where).limit(99).to_list()}


@pytest.mark.parametrize("value", [*filter(None, TITLES), "no such", "'; DROP TABLE corpus; --"])
def test_a_text_means_itself(table, value):
    for sign in ("=", "!="):
        right = {row["id"] for row in ROWS if row["the title"] is not None and COMPARED[sign](row["the title"], value)}
        assert found(table, Filter("the title", sign, value)) == right
    right = {row["id"] for row in ROWS if row["the title"] and value.lower() in row["the title"].lower()}
    assert found(table, Filter("the title", "contains", value)) == right


@pytest.mark.parametrize("sign", COMPARED)
@pytest.mark.parametrize(("column", "value", "number"), [("n", " 2", 2), ("n", "-1", -1), ("ratio", "1.5", 1.5), ("ratio", "1,5", 1.5)])
def test_numbers(table, sign, column, value, number):
    right = {row["id"] for row in ROWS if row[column] is not None and COMPARED[sign](row[column], number)}
    assert found(table, Filter(column, sign, value)) == right


def test_truth_and_nothing(table):
    assert found(table, Filter("sold", "=", "yes")) == {row["id"] for row in ROWS if row["sold"] is True}
    assert found(table, Filter("sold", "!=", "true")) == {row["id"] for row in ROWS if row["sold"] is False}
    assert found(table, Filter("sold", "empty")) == {row["id"] for row in ROWS if row["sold"] is None}
    assert found(table, Filter("the title", "empty")) == {"3", "4"}
    assert found(table, Filter("the title", "filled"), Filter("n", ">", "3")) == {"6", "7"}


@pytest.mark.parametrize(
    ("column", "sign", "value", "told"),
    [
        ("titel", "=", "x", "the column of a filter must be one of .* but is 'titel'"),
        ("n", "OR 1=1 --", "x", "the operator of a filter must be one of"),
        ("n", "=", "1 OR 1=1", "on n must be a whole number of at most 63 bits, but is '1 OR 1=1'"),
        ("n", "=", str(1 << 63), "a whole number of at most 63 bits"),
        ("ratio", "=", "nan", "on ratio must be a number, but is 'nan'"),
        ("sold", "=", "maybe", "on sold must be true or false"),
        ("sold", "<", "true", "= or !=: it is true or false"),
        ("n", "contains", "1", "on a column of texts, but is 'int64'"),
        ("the title", "=", "a\0b", "without null characters"),
    ],
)
def test_what_is_none_is_told(column, sign, value, told):
    with pytest.raises(DataError, match=told):
        Filter(column, sign, value).sql(COLUMNS)


def test_a_column_that_lancedb_cannot_name():
    with pytest.raises(DataError, match="without backticks"):
        Filter("a`b", "=", "x").sql({"a`b": "string"})
