import pytest

from unite.config.schema.embed import ColumnsConfig
from unite.search.corpus.columns import Types, cast, choose_columns, common


def test_the_usual_names_are_taken_once_and_what_is_told_first():
    names = ["Title", "text", "file_name", "url", "key", "key.x"]
    chosen = choose_columns(names, ColumnsConfig(), "a.csv")
    assert (chosen.text, chosen.image, chosen.video, chosen.id) == ("text", "file_name", "", "key")
    assert dict(chosen.renamed) == {"Title": "Title", "url": "url"} and chosen.guessed == ["text", "image", "id"]
    chosen = choose_columns(names, ColumnsConfig(text="Title", image="", id="", rename={"url": "link"}), "a.csv")
    assert (chosen.text, chosen.image, chosen.id, chosen.guessed) == ("Title", "", "", [])
    assert choose_columns(["file", "name"], ColumnsConfig(), "a.csv").image == "file"
    assert dict(chosen.renamed) == {"text": "text", "file_name": "file_name", "url": "link", "key": "key"}


def test_a_dot_in_the_name_of_a_column_is_no_field_of_another():
    names = ["text", "box.left", "meta", "meta.x"]
    assert dict(choose_columns(names, ColumnsConfig(), "a.csv").renamed) == {"meta": "meta", "box.left": "box.left"}
    told = ColumnsConfig(drop=["meta"], rename={"box.left": "left"})
    assert dict(choose_columns(names, told, "a.csv").renamed) == {"box.left": "left"}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2", ""], "int64"),
        (["1", "2.5", "1e-3"], "double"),
        (["True", "false"], "bool"),
        (["1", "true"], "string"),
        (["01", "2"], "string"),
        (["1" * 30], "double"),
        (["", None], "string"),
        (["nan"], "string"),
    ],
)
def test_the_type_of_a_column_of_text_is_what_all_its_values_say(values, kind):
    types = Types(["x"], of_text=True)
    for value in values:
        types.learn({"x": value})
    assert types.kinds == {"x": kind}


def test_the_type_of_values_is_theirs_and_nested_ones_are_left_out():
    types = Types(["a", "b", "c", "d"], of_text=False)
    for record in ({"a": 1, "b": True, "c": [1], "d": "1"}, {"a": 2.5, "b": None, "c": None, "d": "x"}):
        types.learn(record)
    assert types.kinds == {"a": "double", "b": "bool", "d": "string"}


def test_the_common_type_does_not_depend_on_the_order():
    kinds = ["", "bool", "int64", "double", "string"]
    assert all(common(one, other) == common(other, one) for one in kinds for other in kinds)
    assert common("int64", "double") == "double" and common("bool", "int64") == "string"


def test_values_are_cast_or_none():
    assert [cast("3", "int64"), cast("x", "int64"), cast(3, "string"), cast("TRUE", "bool"), cast(3, "double")] == [3, None, "3", True, 3.0]
    assert [cast(value, "string") for value in (None, "", [1], float("nan"))] == [None] * 4
