"""What filters may hold: what ends the process when LanceDB reads it is not read, and what is used is."""

import pytest

from tests.search.corpora import unit, write
from unite.search.index import Index
from unite.search.index.condition_words import FUNCTIONS, fault_of


@pytest.mark.parametrize(
    ("where", "fault"),
    [
        ("length(repeat(text, 200000000)) > 0", "repeat is none of the functions"),
        ('"repeat"(text, 200000000) = text', "repeat is none of the functions"),
        ("`lpad` (text, 2000000000, 'x') = text", "lpad is none of the functions"),
        ("'a' || RePeat\n(text, 9) = ''", "repeat is none of the functions"),
        ("price" + "+1" * 1000 + " > 0", "it has 1001 operators, and at most 200"),
        ("price" + "::int" * 1000 + " > 0", "at most 200"),
        ("price" + " is null" * 1000, "at most 200"),
        ("price = 1" + " and price = 1 or price = 1" * 1000, "column IN"),
        ("price = 1 /* ' */) OR (1 = 1 /* ' */", "a comment"),
        ("kind = 'kite' --", "a comment"),
        ("kind = $$'$$ || repeat('a', 9) || $$'$$", "plain quotation marks"),
        ("kind = E'\\'' || repeat('a', 9) || '\\''", "plain quotation marks"),
        ("(price < 5", "brackets do not match"),
        ("price < 5) OR (1 = 1", "brackets do not match"),
    ],
)
def test_what_ends_a_process_is_not_read(where, fault):
    assert fault in fault_of(where)


@pytest.mark.parametrize(
    "where",
    [
        "price IN (" + ", ".join(f"-{number}" for number in range(5000)) + ")",
        "kind = '" + "- + * / -- /* ( ) repeat(" * 1000 + "'",
        "kind = 'it''s -- repeat(' OR `kind` LIKE '%--%'",
        "NOT (price BETWEEN -1 AND 5) AND (kind IS NOT NULL OR lower(btrim(kind)) = 'kite')",
        "CAST(price AS DECIMAL(10, 2)) < 3.5 AND price::int > -5",
        "regexp_like(text, '^a (bird|kite)') AND strpos(lower(`kind`), 'k') > 0",
    ],
)
def test_what_is_asked_is_read(where, tmp_path):
    assert fault_of(where) == ""
    write(tmp_path, unit(5))
    Index(tmp_path).search(unit(1)[0], where=where)


def test_the_functions_are_those_that_lancedb_has(tmp_path):
    table = write(tmp_path, unit(5)).table
    with pytest.raises(ValueError, match="Invalid function 'nosuch'"):
        table.search().where("nosuch(kind)").to_arrow()
    for name in FUNCTIONS:
        try:
            table.search().where(f"{name}(kind) = 1").to_arrow()
        except (ValueError, RuntimeError) as error:
            assert "Invalid function" not in str(error), name
