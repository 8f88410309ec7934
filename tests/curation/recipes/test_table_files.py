"""Of `table.py`, `parquet_table.py` and `table_files.py`: tables of every format, by position."""

import tracemalloc

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.curation.recipes.material import json_file, json_line, read_texts, text_pairs
from tests.written import write_csv
from unite.curation.recipes.image_captions import ImageCaptions
from unite.curation.recipes.mmeb import Mmeb
from unite.curation.recipes.webvid_covr import WebvidCovr
from unite.errors import ConfigError, DataError


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda file: ImageCaptions("i", file, image="path"), r"path is among.*found are: image, caption, x. Set i.image=\.\.\. to what"),
        (
            lambda file: WebvidCovr("c", file),
            r"txt1, txt2, edit, pth1, pth2 is among them.*The columns found are: image, caption, x. Use the recipe of this format",
        ),
        (lambda file: ImageCaptions("i", file, licence_column="rights"), r"rights is among.* image, caption, x. Set i.licence_column="),
        (lambda file: Mmeb("m", file), "qry, qry_image_path, pos_text, pos_image_path is among them"),
        (lambda file: ImageCaptions("i", file, direction="image_to_video"), "i.direction must be one of image_to_text, text_to_image"),
        (lambda file: ImageCaptions("i", file.parent), r"i.annotations must be a file or a glob of files, but is .*, a folder'. Name the"),
        (lambda file: ImageCaptions("i", file.with_name("none.csv")), "i.annotations must be an existing file or a glob that matches some"),
        (lambda file: ImageCaptions("i", json_file(file.with_suffix(".json"), {"a": 1})), "list of objects, but is 'dict with a'.*to_json"),
        (lambda file: ImageCaptions("i", json_file(file.with_suffix(".xml"), 1)), r"the format of .* must be one of .csv.*, but is '.xml'"),
        (lambda file: ImageCaptions("i", json_file(file.with_suffix(".parquet"), 1)), "is no parquet file"),
    ],
)
def test_wrong_files_are_refused_with_what_was_found(tmp_path, make, message):
    file = write_csv(tmp_path / "a.csv", ["image", "caption", "x"], [["1.jpg", "one", ""]])
    with pytest.raises((DataError, ConfigError), match=message):
        make(file)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv", b"", "a.csv must be a table with columns, but is 'empty'. Remove it"),
        ("a.jsonl", b"\n \n", "a.jsonl must be a table with columns, but is 'empty'"),
        ("a.json", b"[]", "a.json must be a table with columns, but is 'empty'"),
        ("a.csv", "anchor,positive\na,b\n".encode("utf-16"), "a.csv must be a file in UTF-8, but is 'in UTF-16 or UTF-32'"),
        ("a.jsonl", json_line("a", "b").encode("utf-16-le"), "a.jsonl must be a file in UTF-8, but is 'in UTF-16 or UTF-32'. Save it"),
        ("a.jsonl", b'[\n{"anchor": "a"},\n{"anchor": "b"}\n]\n', "a JSON object a line, but is 'one JSON list'. Name it a.json"),
        ("a.json", b'[["a", "b"]]', "a.json must be a JSON list of objects, but is 'a list of list'"),
        ("a.csv", b"anchor;positive\na;b\n", "a.csv must be separated by commas .as .tsv by tabs., but is \"by ';'\". Its first line"),
        ("a.tsv", b"anchor,positive\na,b\n", "but is \"by ','\". Its first line is: 'anchor,positive'. Write it again"),
        ("a.csv", b" anchr,\n", r"but is .' anchr', ''.. Set t.anchor=\.\.\. to the column that is meant"),
        ("a.csv", "ançhor,positive\na,b\n".encode("latin-1"), "must be a file in UTF-8 that begins with a header, but is .*0xe7"),
        ("a.csv", b"anchor,positive\ra,b\r", "begins with a header, but is .*2 rows in one: a carriage return without a line feed"),
        ("a.csv", b"anchor,anchor,x\na,b,c\n", "the columns of .* must be of different names, but is 'anchor more than once'"),
        ("a.jsonl", b'[{"anchor": "a"}]', "must be a file in UTF-8 with a JSON object a line, but is 'record 0 of a.jsonl is list"),
        ("a.json", b"[" * 200_000, "a.json is no JSON .maximum recursion"),
        ("a.json", '[{"anchor": "é"}]'.encode("latin-1"), "a.json is no JSON .*0xe9"),
    ],
)
def test_a_file_without_a_record_is_refused_by_name(tmp_path, name, data, message):
    with pytest.raises(DataError, match=message):
        text_pairs(tmp_path, name, data)


def test_columns_without_a_name_are_nobodys(tmp_path):
    """An index of two levels, and commas at the ends of lines."""
    recipe = text_pairs(tmp_path, "a.csv", ",,anchor,positive,,\n0,1,a,b,,\n0,2,c,d,,x\n")
    assert read_texts(recipe) == [("a", "b"), ("c", "d")] and recipe.read(1).metadata == {}


def test_a_table_is_not_held_in_memory(tmp_path):
    recipe = text_pairs(tmp_path, "a.jsonl", f"{json_line('x' * 1000, 'y')}\n" * 20_000)
    tracemalloc.start()
    assert len(recipe) == 20_000 and recipe.read(19_999).positives[0].text == "y"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "a.jsonl").stat().st_size > 20e6 and peak < 3e6


def test_parquet_of_another_schema(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist([{"jpg": b"x", "text": "y"}]), path)
    with pytest.raises(DataError, match="such that image, caption is among them.*found are: jpg, text. Set i.image=... i.caption=... to"):
        ImageCaptions("i", path)
    pq.write_table(pa.Table.from_pylist([{"image": "1.jpg", "caption": ["a", "b"]}]), path)
    assert read_texts(ImageCaptions("i", path)) == ["unreadable record: caption is list, not text"]
    pq.write_table(pa.Table.from_pylist([{"qry": {"a": 1}, "qry_image_path": "", "pos_text": "x", "pos_image_path": ""}]), path)
    assert read_texts(Mmeb("m", path)) == ["unreadable record: dict in place of a text or path"]


def test_parquet_that_was_damaged_is_named(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist([{"image": f"{at}.jpg" * 20, "caption": str(at) * 50} for at in range(1000)]), path)
    data = bytearray(path.read_bytes())
    data[100:400] = bytes(300)
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"row group 0 of .*a.parquet cannot be read .*Copy or write the file again"):
        ImageCaptions("i", path).read(0)


def test_of_several_files_the_one_that_lacks_a_column_is_named(tmp_path):
    write_csv(tmp_path / "a.csv", ["image", "caption"], [["1.jpg", "one"]])
    write_csv(tmp_path / "b.csv", ["image", "text"], [["1.jpg", "one"]])
    with pytest.raises(DataError, match="the columns of .*b.csv must be such that caption is among them.*found are: image, text"):
        ImageCaptions("i", tmp_path / "*.csv")
