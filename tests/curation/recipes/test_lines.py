import json

import pytest

from tests.curation.recipes.material import json_line, read_all, read_texts, text_pairs
from tests.written import write_csv
from unite.curation.recipes.image_captions import ImageCaptions
from unite.curation.recipes.lines import MAX_RECORD
from unite.curation.recipes.text_pairs import TextPairs
from unite.errors import SkippedRowError


def test_records_that_cannot_be_read_are_named(tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text('{"image": "1.jpg", "caption": "one"}\n\n{"image": \n[1]\n{"image": "2.jpg", "caption": "two"}\n\n')
    assert [one if isinstance(one, str) else one.query.text for one in read_all(ImageCaptions("i", file))] == [
        "one",
        "unreadable record",
        "unreadable record",
        "two",
    ]
    file = tmp_path / "a.csv"
    file.write_text('image,caption\n1.jpg,"one\n\nmore"\n2.jpg\n3.jpg,a,b\n4.jpg,four')
    found = read_all(ImageCaptions("i", file))
    assert [one if isinstance(one, str) else one.query.text for one in found] == [
        "one\n\nmore",
        "unreadable record",
        "unreadable record",
        "four",
    ]


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.json"])
def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_the_text(tmp_path, name):
    values = [("one", "two"), ("three", "f our")]
    text = {
        "a.csv": "anchor,positive\r\none,two\r\n\r\nthree,f our\r\n",
        "a.tsv": "anchor\tpositive\r\none\ttwo\r\nthree\tf our",
        "a.jsonl": "".join(json_line(*value) + "\r\n" for value in values),
        "a.json": json.dumps([json.loads(json_line(*value)) for value in values]),
    }[name]
    if name == "a.json":
        path = tmp_path / name
        path.write_text(text)
        assert read_texts(TextPairs("t", path)) == values
        return
    assert read_texts(text_pairs(tmp_path, name, b"\xef\xbb\xbf" + text.encode())) == values


def test_a_csv_as_the_csv_module_wrote_it_comes_back(tmp_path):
    values = [('say "a"', "line\nbreak"), ("comma, \r\n and", "tab\t"), ("猫 ü", "x" * 300_000)]  # the module's own limit is 131072
    file = write_csv(tmp_path / "a.csv", ["anchor", "positive"], values)
    assert read_texts(TextPairs("t", file)) == [tuple(text.strip() for text in value) for value in values]


def test_a_header_alone_has_no_rows(tmp_path):
    assert read_texts(text_pairs(tmp_path, "a.csv", "anchor,positive\n")) == []


def test_broken_lines_of_json_are_counted_one_by_one(tmp_path):
    lines = [
        '{"anchor":',
        json_line("a", "b"),
        "[1]",
        "null",
        json_line("only"),
        json_line(["a"], "b"),
        json_line("a", {"b": 1}),
        json_line("c\ud83d", "d"),
    ]
    lines += [json_line(5, True), '{"anchor": ' + "[" * 200_000, json_line("e", "f")]
    found = read_texts(
        text_pairs(
            tmp_path, "a.jsonl", "\n".join(lines).encode() + b'\n{"anchor": "caf\xe9", "positive": "g"}\n' + json_line("h", "i").encode()
        )
    )
    assert [one for one in found if isinstance(one, tuple)] == [("a", "b"), ("5", "True"), ("e", "f"), ("h", "i")]
    expected = [
        "unreadable record: record 0 of a.jsonl is no JSON",
        "unreadable record: record 2 of a.jsonl is list, not an object",
        "unreadable record: record 3 of a.jsonl is NoneType, not an object",
        "empty field: positive is empty",
        "unreadable record: anchor is list, not text",
        "unreadable record: positive is dict, not text",
        r"not UTF-8: 'c\ud83d': surrogates not allowed",
        "unreadable record: record 9 of a.jsonl is no JSON (maximum recursion",
        "not UTF-8: record 11 of a.jsonl: 'utf-8' codec can't decode byte 0xe9",
    ]
    told = [one for one in found if isinstance(one, str)]
    for one, beginning in zip(told, expected, strict=True):
        assert one.startswith(beginning)


def test_latin_1_in_a_csv_is_counted_and_never_replaced(tmp_path):
    found = read_texts(text_pairs(tmp_path, "a.csv", b"anchor,positive\ncaf\xe9,tea\nplain,tea\n"))
    assert found[0].startswith("not UTF-8: record 0 of a.csv") and found[1] == ("plain", "tea")


def test_a_carriage_return_alone_loses_its_record_and_no_other(tmp_path):
    found = read_texts(text_pairs(tmp_path, "a.csv", "anchor,positive\na,b\rc,d\ne,f\n"))
    assert found == ["unreadable record: record 0 of a.csv is no CSV (2 rows in one: a carriage return without a line feed)", ("e", "f")]


def test_a_stray_quotation_mark_in_record_10_of_100_000_loses_that_record(tmp_path):
    lines = [f"anchor {at},positive {at}" for at in range(100_000)]
    lines[10] = '"' + lines[10]
    recipe = text_pairs(tmp_path, "a.csv", "\n".join(["anchor,positive", *lines]))
    assert len(recipe) == 100_000
    with pytest.raises(SkippedRowError, match="unreadable record: record 10 of a.csv is no CSV .a quotation mark is not closed"):
        recipe.read(10)
    assert [recipe.read(at).query.text for at in (9, 11, 50_000, 99_999)] == [f"anchor {at}" for at in (9, 11, 50_000, 99_999)]


def test_a_quotation_mark_that_is_not_closed_takes_no_line_with_it(tmp_path):
    found = read_texts(text_pairs(tmp_path, "a.csv", 'anchor,positive\na,b\n"c,d\ne,f\n"g",h\ni,j\n'))
    told = "unreadable record: record 1 of a.csv is no CSV (a quotation mark is not closed)"
    assert found == [("a", "b"), told, ("e", "f"), ("g", "h"), ("i", "j")]


def test_lines_of_blanks_are_no_records_and_harm_none(tmp_path):
    for name, data in {"a.csv": "anchor,positive\na,b\n  \n\r\nc,d\n", "a.tsv": "anchor\tpositive\na\tb\n  \n\r\nc\td\n"}.items():
        assert read_texts(text_pairs(tmp_path, name, data)) == [("a", "b"), ("c", "d")]
    empty = read_texts(text_pairs(tmp_path, "b.tsv", "anchor\tpositive\na\tb\n\t\nc\td\n"))  # as spreadsheets write them
    assert empty == [("a", "b"), "empty field: anchor is empty", ("c", "d")]


def test_a_line_without_end_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr("unite.curation.recipes.lines.MAX_RECORD", 1000)
    found = read_texts(text_pairs(tmp_path, "a.jsonl", f"{json_line('a', 'b')}\n{json_line('x' * 2500, 'y')}\n{json_line('c', 'd')}\n"))
    assert found[0] == ("a", "b") and found[-1] == ("c", "d")
    rest = "record too large: record {} of a.jsonl is the rest of a line too long"
    assert found[1:4] == ["record too large: record 1 of a.jsonl has 1000 bytes or more", rest.format(2), rest.format(3)]
    assert MAX_RECORD == 1 << 24


def test_the_rest_of_a_line_without_end_is_no_record(tmp_path, monkeypatch):
    monkeypatch.setattr("unite.curation.recipes.lines.MAX_RECORD", 1000)
    found = read_texts(text_pairs(tmp_path, "a.tsv", f"anchor\tpositive\n{'x' * 1500} a cat\ta feline\nb\tc\n"))
    assert found[1].startswith("record too large: record 1 of a.tsv is the rest of a line") and found[2] == ("b", "c")


def test_five_megabytes_in_a_line_are_a_text(tmp_path):
    text = "word " * 1_000_000
    assert read_texts(text_pairs(tmp_path, "a.jsonl", f"{json_line(text, 'b')}\n")) == [(text.strip(), "b")]
