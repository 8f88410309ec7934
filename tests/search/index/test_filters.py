"""Filters in SQL, and what is said of broken ones."""

import re

import pytest

from tests.search.corpora import unit, write
from unite.errors import DataError
from unite.search.index import Index
from unite.search.index.filters import condition_of


def test_conditions_are_joined_and_quoted():
    assert condition_of() == condition_of(" ") == ""
    assert condition_of("a < 1 OR b", ["image"], ["it's"]) == "(a < 1 OR b) AND modality IN ('image') AND id NOT IN ('it''s')"


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("prise < 5", r"No field named prise\.$"),
        ("thumbnai IS NULL", r"No field named thumbnai\.$"),
        ("price <", "Expected: an expression"),
        ("price < 'cheap'", "could not convert"),
        ("price < 5) OR (1 = 1", "its brackets do not match"),
        ("(price < 5", "its brackets do not match"),
        ("price < 5; DROP TABLE corpus", "."),
        ("price", "."),
        ("sqrt(", "."),
        ("price < 5 --", "It is not read: it holds a comment"),
        ("text = N'a'", "LanceDB says: rust future panicked"),
    ],
)
@pytest.mark.parametrize("asked", ["vector", "words"])
def test_a_broken_filter_is_told_with_the_columns(tmp_path, where, why, asked):
    write(tmp_path, unit(5))
    given = {"vector": unit(1)[0]} if asked == "vector" else {"words": "bird"}
    with pytest.raises(DataError) as told:
        Index(tmp_path).search(**given, where=where)
    assert str(told.value).startswith("where must be a condition in SQL on the columns price (int64), kind (string), id (string), ")
    assert f"but is {where!r}. " in str(told.value)
    assert re.search(why, str(told.value))
    assert not re.search(r"/root|\.rs:|fingerprint|thumbnail|vector", str(told.value))  # LanceDB names its files, and all columns


def test_brackets_within_quotes_are_none(tmp_path):
    write(tmp_path, unit(5))
    assert Index(tmp_path).search(unit(1)[0], where="text != ':) it''s (' AND (`kind` = 'kite')", k=1)


def test_a_long_filter_is_told_by_its_beginning(tmp_path):
    write(tmp_path, unit(5))
    with pytest.raises(DataError, match=r"but is 'price\+1\+.*\.\.\.'\. It is not read: it has 5001 operators") as told:
        Index(tmp_path).search(unit(1)[0], where="price" + "+1" * 5000 + "> 0")  # LanceDB overflows its stack and ends the process
    assert len(str(told.value)) < 1000
