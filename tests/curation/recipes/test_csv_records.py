"""Python's csv module is the oracle wherever it reads a file; where it does not, all lines but the faulty one must come back."""

import csv
import io
import random

import pytest

from unite.curation.recipes.csv_records import csv_records


def rows(data, max_bytes=1 << 20):
    """The fields of each record; None for one that is none."""
    records = list(csv_records(io.BytesIO(data), max_bytes))
    assert b"".join(records) == data
    return [read(record) for record in records]


def read(record):
    try:
        return next(csv.reader(io.StringIO(record.decode("utf-8-sig"), newline=""), strict=True))
    except csv.Error:
        return None


def written(values, quoting=csv.QUOTE_MINIMAL):
    file = io.StringIO()
    csv.writer(file, quoting=quoting).writerows(values)
    return file.getvalue().encode()


def test_what_the_csv_module_reads_is_cut_as_it_cuts_it():
    rng, same = random.Random(0), 0
    for _ in range(20_000):
        pieces = ["a", '"', '""', ",", '","', "\n", "\r\n", '"\n']
        text = "h,h\n" + "".join(rng.choice(pieces) for _ in range(rng.randrange(1, 12)))
        try:
            expected = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
        except csv.Error:
            continue
        if all(len(row) == 2 for row in expected):
            same += len(expected) > 2
            assert [row for row in rows(text.encode()) if row] == expected, text
    assert same > 200


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_a_stray_quotation_mark_anywhere_in_a_line_loses_no_other_line(quoting):
    values = [["x", "y"], *([f"query {at}", f"comma, {at}" if at % 3 == 0 else f"plain {at}"] for at in range(12))]
    data = written(values, quoting)
    begin = len(written(values[:5], quoting))
    for at in range(begin, begin + len(written([values[5]], quoting))):
        found = rows(data[:at] + b'"' + data[at:])
        assert len(found) == 13 and [row for number, row in enumerate(found) if number != 5] == [*values[:5], *values[6:]]


def test_a_quotation_mark_that_nobody_closes_costs_its_line():
    lines = [b"x,y\n", *(b"a,%d\n" % at for at in range(10)), b'"a,10\n', *(b"a,%d\n" % at for at in range(11, 1000))]
    found = rows(b"".join(lines))
    assert found[11] is None and [row[1] for row in found[1:] if row] == [str(at) for at in range(1000) if at != 10]


def test_lines_that_look_like_the_inside_of_quotes_are_not_read_over_and_over():
    """Each of these could begin a record that has no end; looking for it every time would be 200 million looks."""
    looks = 0

    class Line(bytes):
        def startswith(self, *args):
            nonlocal looks
            looks += 1
            return super().startswith(*args)

    lines = [b"x,y\n", *[Line(b'a","b\n')] * 20_000]
    assert len(list(csv_records(lines, 1 << 20))) == 20_001 and 20_000 < looks < 500_000


def test_a_record_longer_than_the_limit_is_none():
    assert rows(b'x,y\na,"' + b"b\n" * 60 + b'"\nc,d\n', max_bytes=100)[-1] == ["c", "d"]
    assert rows(b'x,y\na,"' + b"b\n" * 40 + b'"\nc,d\n', max_bytes=100)[1] == ["a", "b\n" * 40]


def test_a_header_in_quotes_behind_a_byte_order_mark():
    assert rows(b'\xef\xbb\xbf"x\nx",y\na,b\n') == [["x\nx", "y"], ["a", "b"]]
