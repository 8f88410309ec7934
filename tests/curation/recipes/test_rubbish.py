"""Annotation files as they come: other encodings, broken lines, other schemas. What cannot be read is counted, the rest is not lost."""

import json
import os
import pickle
import tarfile
import tracemalloc
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.curation.material import encoded, photograph, write_csv
from unite.curation.raw import SkippedRowError
from unite.curation.recipes.coco import CocoCaptions
from unite.curation.recipes.image_captions import ImageCaptions, ImageFolder
from unite.curation.recipes.lines import MAX_RECORD
from unite.curation.recipes.mmeb import Mmeb
from unite.curation.recipes.text_pairs import TextPairs
from unite.curation.recipes.unite_json import UniteJson
from unite.curation.recipes.video_captions import VideoCaptions
from unite.curation.recipes.webdataset_shards import WebdatasetShards
from unite.errors import DataError


def rows(recipe):
    """(query, positive) texts of every row, or `reason: detail`."""
    there, found = pickle.loads(pickle.dumps(recipe)), []
    for at in range(len(there)):
        try:
            row = there.read(at)
            found.append((row.query.text, row.positives[0].text))
        except SkippedRowError as error:
            found.append(str(error))
    return found


def pairs(folder, name, data):
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return TextPairs("t", path)


def line(*values):
    return json.dumps(dict(zip(("anchor", "positive"), values, strict=False)))


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.json"])
def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_the_text(tmp_path, name):
    values = [("one", "two"), ("three", "f our")]
    text = {
        "a.csv": "anchor,positive\r\none,two\r\n\r\nthree,f our\r\n",
        "a.tsv": "anchor\tpositive\r\none\ttwo\r\nthree\tf our",
        "a.jsonl": "".join(line(*value) + "\r\n" for value in values),
        "a.json": json.dumps([json.loads(line(*value)) for value in values]),
    }[name]
    if name == "a.json":
        path = tmp_path / name
        path.write_text(text)
        assert rows(TextPairs("t", path)) == values
        return
    assert rows(pairs(tmp_path, name, b"\xef\xbb\xbf" + text.encode())) == values


def test_a_csv_as_the_csv_module_wrote_it_comes_back(tmp_path):
    values = [('say "a"', "line\nbreak"), ("comma, \r\n and", "tab\t"), ("猫 ü", "x" * 300_000)]  # the module's own limit is 131072
    file = write_csv(tmp_path / "a.csv", ["anchor", "positive"], values)
    assert rows(TextPairs("t", file)) == [tuple(text.strip() for text in value) for value in values]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv", b"", "a.csv must be a table with columns, but is 'empty'. Remove it"),
        ("a.jsonl", b"\n \n", "a.jsonl must be a table with columns, but is 'empty'"),
        ("a.json", b"[]", "a.json must be a table with columns, but is 'empty'"),
        ("a.csv", "anchor,positive\na,b\n".encode("utf-16"), "a.csv must be a file in UTF-8 that begins with a header, but is .*0xff"),
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
        pairs(tmp_path, name, data)


def test_a_header_alone_has_no_rows(tmp_path):
    assert rows(pairs(tmp_path, "a.csv", "anchor,positive\n")) == []


def test_broken_lines_of_json_are_counted_one_by_one(tmp_path):
    lines = ['{"anchor":', line("a", "b"), "[1]", "null", line("only"), line(["a"], "b"), line("a", {"b": 1}), line("c\ud83d", "d")]
    lines += [line(5, True), '{"anchor": ' + "[" * 200_000, line("e", "f")]
    found = rows(
        pairs(tmp_path, "a.jsonl", "\n".join(lines).encode() + b'\n{"anchor": "caf\xe9", "positive": "g"}\n' + line("h", "i").encode())
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
    found = rows(pairs(tmp_path, "a.csv", b"anchor,positive\ncaf\xe9,tea\nplain,tea\n"))
    assert found[0].startswith("not UTF-8: record 0 of a.csv") and found[1] == ("plain", "tea")


def test_a_carriage_return_alone_loses_its_record_and_no_other(tmp_path):
    found = rows(pairs(tmp_path, "a.csv", "anchor,positive\na,b\rc,d\ne,f\n"))
    assert found == ["unreadable record: record 0 of a.csv is no CSV (2 rows in one: a carriage return without a line feed)", ("e", "f")]


def test_a_quotation_mark_that_is_not_closed_says_how_much_it_took(tmp_path):
    found = rows(pairs(tmp_path, "a.csv", 'anchor,positive\na,b\n"c,d\ne,f\n"g",h\ni,j\n'))
    told = "record 1 of a.csv in 3 lines (is a quotation mark not closed?) is no CSV"
    assert found == [("a", "b"), f"unreadable record: {told} (',' expected after '\"')", ("i", "j")]
    to_the_end = rows(pairs(tmp_path, "b.csv", 'anchor,positive\na,b\n"c,d\ne,f\n'))
    assert to_the_end[1] == f"unreadable record: {told.replace('a.csv in 3', 'b.csv in 2')} (unexpected end of data)"


def test_a_line_without_end_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr("unite.curation.recipes.lines.MAX_RECORD", 1000)
    found = rows(pairs(tmp_path, "a.jsonl", f"{line('a', 'b')}\n{line('x' * 2500, 'y')}\n{line('c', 'd')}\n"))
    assert found[0] == ("a", "b") and found[-1] == ("c", "d")
    assert found[1:3] == [f"record too large: record {at} of a.jsonl has 1000 bytes or more" for at in (1, 2)]
    assert MAX_RECORD == 1 << 24


def test_five_megabytes_in_a_line_are_a_text(tmp_path):
    text = "word " * 1_000_000
    assert rows(pairs(tmp_path, "a.jsonl", f"{line(text, 'b')}\n")) == [(text.strip(), "b")]


def test_a_table_is_not_held_in_memory(tmp_path):
    recipe = pairs(tmp_path, "a.jsonl", f"{line('x' * 1000, 'y')}\n" * 20_000)
    tracemalloc.start()
    assert len(recipe) == 20_000 and recipe.read(19_999).positives[0].text == "y"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "a.jsonl").stat().st_size > 20e6 and peak < 3e6


def test_parquet_of_another_schema(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist([{"jpg": b"x", "text": "y"}]), path)
    with pytest.raises(DataError, match="such that image, caption is among them.*The columns found are: jpg, text. Name the right ones"):
        ImageCaptions("i", path)
    pq.write_table(pa.Table.from_pylist([{"image": "1.jpg", "caption": ["a", "b"]}]), path)
    assert rows(ImageCaptions("i", path)) == ["unreadable record: caption is list, not text"]
    pq.write_table(pa.Table.from_pylist([{"qry": {"a": 1}, "qry_image_path": "", "pos_text": "x", "pos_image_path": ""}]), path)
    assert rows(Mmeb("m", path)) == ["unreadable record: dict in place of a text or path"]


def test_parquet_that_was_damaged_is_named(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist([{"image": f"{at}.jpg" * 20, "caption": str(at) * 50} for at in range(1000)]), path)
    data = bytearray(path.read_bytes())
    data[100:400] = bytes(300)
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"row group 0 of .*a.parquet cannot be read .*Copy or write the file again"):
        ImageCaptions("i", path).read(0)


def test_rows_of_the_authors_json_with_other_types(tmp_path):
    text = {"text": "a"}
    values = [(text, {"image": 5}), (text, {"image": [5]}), ([], text), (text, {"text": "  "}), (text, text)]
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"query": query, "candidate": candidate} for query, candidate in values]))
    assert rows(UniteJson("u", path)) == [
        "unreadable record: media are 5, neither a path nor a list of paths",
        "unreadable record: media are [5], neither a path nor a list of paths",
        "unreadable record: query is list, not an object",
        "empty content: it holds neither text nor medium",
        ("a", "a"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON"),
        ('{"images": [{"id": 1, "file_name": "x"}], "annotations": [{"image_id": 1, "bbox": []}]}', "KeyError.*captions_.*json"),
        ('{"images": [1], "annotations": []}', "must be COCO's captions, with id, file_name, image_id and caption"),
    ],
)
def test_other_json_of_coco_is_refused(tmp_path, text, message):
    path = tmp_path / "instances.json"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        len(CocoCaptions("c", path, "."))


@pytest.mark.parametrize(
    ("start", "reason"), [("nan", "'nan' is no time"), ("inf", "'inf' is no time"), ("5", "it goes from 5.0 to 4.0 s")]
)
def test_a_clip_that_is_none(tmp_path, start, reason):
    file = write_csv(tmp_path / "v.csv", ["video", "caption", "start", "end"], [["v.mp4", "a", start, "4"]])
    (told,) = rows(VideoCaptions("v", file, start="start", end="end"))
    assert told.endswith(reason)


def test_a_clip_that_begins_before_the_video_begins_with_it(tmp_path):
    file = write_csv(tmp_path / "v.csv", ["video", "caption", "start", "end"], [["v.mp4", "a", "-3", "4"]])
    (medium,) = VideoCaptions("v", file, start="start", end="end").read(0).positives[0].media
    assert (medium.start, medium.end) == (None, 4.0)


def test_a_media_root_that_is_a_file(tmp_path):
    file = write_csv(tmp_path / "a.csv", ["image", "caption"], [["1.jpg", "one"]])
    with pytest.raises(DataError, match="i.media_root must be a folder, but is 'the file .*a.csv'"):
        ImageCaptions("i", file, media_root=file)


def test_an_image_folder_with_loops_and_names_in_no_encoding(tmp_path):
    for name in ("a", "b", "loop"):
        (tmp_path / f"{name}.txt").write_bytes(b"caf\xe9" if name == "a" else b"a cat")
    for name in ("a.jpg", "b.jpg", os.fsdecode(b"\xff.jpg")):
        (tmp_path / name).write_bytes(encoded(photograph()))
    (tmp_path / os.fsdecode(b"\xff.txt")).write_text("a dog")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "up").symlink_to("..")
    recipe = ImageFolder("f", tmp_path)
    assert [one if isinstance(one, str) else one[0] for one in rows(recipe)][1:] == ["a cat", "a cat", "a dog"]
    assert rows(recipe)[0].startswith("not UTF-8: a.txt") and recipe.fingerprint()


def test_members_of_a_tar_that_are_no_text_and_no_object(tmp_path):
    picture = encoded(photograph())
    with tarfile.open(tmp_path / "w.tar", "w") as file:
        for name, data in {
            "0.jpg": picture,
            "0.json": b"[1]",
            "1.jpg": picture,
            "1.txt": b"caf\xe9",
            "2.jpg": picture,
            "2.txt": b"ok",
        }.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, BytesIO(data))
    found = rows(WebdatasetShards("w", tmp_path / "w.tar"))
    assert found[0] == "unreadable record: w.tar/0.json is list, not an object"
    assert found[1].startswith("not UTF-8: w.tar/1.txt") and found[2][0] == "ok"
