"""Files as the csv module writes them (and with it pandas) come back; files in which a quotation mark is text keep it."""

import csv
import io

import pytest

from tests.curation.recipes.material import read_texts, text_pairs

TEXTS = ['a "red" cat', "two\nlines", "a\ttab", 'only "', "comma, here", '"', '""', "plain", 'ends\n"', "\r\nbegins"]


@pytest.mark.parametrize("columns", [["anchor", "positive"], ["positive", "anchor"], ["anchor", "positive", "id"]])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_tsv_as_the_csv_module_wrote_it_comes_back(tmp_path, columns, quoting, encoding):
    rows = [{"anchor": one, "positive": TEXTS[-1 - at], "id": at} for at, one in enumerate(TEXTS)]
    file = io.StringIO()
    writer = csv.DictWriter(file, columns, extrasaction="ignore", delimiter="\t", quoting=quoting, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    found = read_texts(text_pairs(tmp_path, "a.tsv", file.getvalue().encode(encoding)))
    assert found == [(row["anchor"].strip(), row["positive"].strip()) for row in rows]


def test_a_quotation_mark_that_stands_for_itself_is_text(tmp_path):
    texts = ['the 40" screen', '"Hello', 'bye"', '"quoted"', 'say "hi"', '"', "it's, plain"] * 3
    lines = [f"{text}\t{text}\n" for text in texts]
    assert read_texts(text_pairs(tmp_path, "a.tsv", "anchor\tpositive\n" + "".join(lines))) == [(text, text) for text in texts]


def test_a_broken_record_of_a_quoted_file_is_named_and_no_other(tmp_path):
    lines = ['"a ""b"""\tc\n', '"two\nlines"\td\n', 'the 40" screen\te\n', '"never closed\tf\n', "plain\tg\n"]
    found = read_texts(text_pairs(tmp_path, "a.tsv", "anchor\tpositive\n" + "".join(lines + lines[:2])))
    assert found[:2] == found[5:] == [('a "b"', "c"), ("two\nlines", "d")]
    broken = "unreadable record: record 3 of a.tsv is no TSV (a quotation mark is not closed)"
    assert found[2:5] == [('the 40" screen', "e"), broken, ("plain", "g")]


def test_commas_tell_where_nothing_else_does(tmp_path):
    quoted = 'anchor\tpositive\n"a, b"\tc\nd\te\n'
    assert read_texts(text_pairs(tmp_path, "a.tsv", quoted)) == [("a, b", "c"), ("d", "e")]
    assert read_texts(text_pairs(tmp_path, "a.tsv", quoted + "f, g\th\n")) == [('"a, b"', "c"), ("d", "e"), ("f, g", "h")]
