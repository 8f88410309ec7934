import gzip
import json

import pytest

from tests.curation.recipes.material import json_line, parquet, read_all, read_texts, text_pairs
from tests.written import write_csv
from unite.curation.recipes.text_pairs import TextPairs
from unite.errors import DataError

_PAIRS = [("a", "b"), ("c", "d\ne")]
_LINES = "".join(json_line(*pair) + "\n" for pair in _PAIRS)
_CSV = 'anchor,positive\na,b\nc,"d\ne"\n'


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("A.CSV", _CSV),
        ("a.csv.gz", _CSV),
        ("A.Csv.GZ", _CSV),
        ("a.TSV", "anchor\tpositive\na\tb\nc\td\\ne\n"),
        ("a.ndjson", _LINES),
        ("a.jsonlines", _LINES),
        ("a.jsonl.gz", _LINES),
        ("a.ndjson.gz", _LINES),
        ("a.JSON.gz", json.dumps([json.loads(line) for line in _LINES.splitlines()])),
        ("a.json", _LINES),  # JSON Lines under the name of a list, as `to_json(lines=True)` is often saved
        ("set[1].csv", _CSV),
        ("set*.csv", _CSV),
    ],
)
def test_a_file_is_read_by_its_name(tmp_path, name, text):
    data = text.encode()
    found = read_texts(text_pairs(tmp_path, name, gzip.compress(data) if name.lower().endswith(".gz") else data))
    assert found == (_PAIRS if "TSV" not in name else [("a", "b"), ("c", "d\\ne")])


def test_records_of_a_gzipped_file_are_reached_in_any_order(tmp_path):
    recipe = text_pairs(tmp_path, "a.jsonl.gz", gzip.compress("".join(json_line(str(at), "b") + "\n" for at in range(50)).encode()))
    assert [row.query.text for row in read_all(recipe)] == [str(at) for at in range(50)]


def test_brackets_in_a_path_are_brackets(tmp_path):
    folder = tmp_path / "set[1]"
    folder.mkdir()
    write_csv(folder / "a.csv", ["anchor", "positive"], [["a", "b"]])
    write_csv(folder / "b.csv", ["anchor", "positive"], [["c", "d"]])
    write_csv(tmp_path / "c.csv", ["anchor", "positive"], [["e", "f"]])
    assert read_texts(TextPairs("t", folder / "*.csv")) == [("a", "b"), ("c", "d")]
    assert read_texts(TextPairs("t", tmp_path / "[a-c].csv")) == [("e", "f")]  # and a set of letters in a glob


@pytest.mark.parametrize("data", [gzip.compress(_LINES.encode() * 1000)[:-20], b"no gzip", _LINES.encode()])
def test_a_gzipped_file_that_is_cut_short_or_is_none_is_refused_by_name(tmp_path, data):
    with pytest.raises(DataError, match=r"a.jsonl.gz is no whole gzip file .*Copy or write it again"):
        len(text_pairs(tmp_path, "a.jsonl.gz", data))


def test_unknown_formats_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"the format of .* must be one of .csv, .csv.gz.*, but is '.parquet.gz'"):
        TextPairs("t", parquet(tmp_path / "a.parquet.gz", [{"anchor": "a", "positive": "b"}]))
    with pytest.raises(DataError, match=r"but is '.xlsx'"):
        text_pairs(tmp_path, "a.xlsx", b"")
