"""What the quotation marks of a TSV are: text, as in CC3M's, or quotes as in a CSV, as pandas and spreadsheets write them.

    a "red" cat<TAB>1.jpg            a mark is a mark
    "a ""red"" cat"<TAB>1.jpg        the same text, quoted: it may hold tabs and line breaks too

A name does not tell, so the records do. A mark inside of a field that is not quoted is text; one that is doubled, a tab or a line break
inside of a quoted field, and a header in quotes are quotes. Where both are found, the more frequent is right, and the rest are broken
records. Where neither is, marks are text, but if every comma is within quotes: so Excel writes "text (tab delimited)".
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from unite.curation.recipes.csv_records import csv_records

SEPARATOR = b"\t"
_QUOTED = rb'"(?:[^"]++|"")*+"'
_FIELD = rb"(?:" + _QUOTED + rb'|[^"\t\r\n]*+)'
#: A record each of whose marks opens a field, closes one, or is doubled inside of it.
_RECORD = re.compile(rb"(?:\xef\xbb\xbf)?" + _FIELD + rb"(?:\t" + _FIELD + rb")*+[ \r\n]*+")
#: By so many records one reading leads where the file need not be read further.
_ENOUGH = 10_000
#: What has to be quoted, inside of quotes.
_NEEDS_QUOTES = re.compile(rb'"[^"\t\r\n]*+(?:""|[\t\r\n])(?:[^"]++|"")*+"')


def is_quoted(lines: Iterable[bytes], max_bytes: int) -> bool:
    """Whether the quotation marks of a TSV are those of a CSV.

    Args:
        lines: of the file, with their ends. The first record is the header.
        max_bytes: of a record that goes over several lines.
    """
    num_quoted = num_text = 0
    commas_quoted = commas_bare = False
    num_tabs = -1
    for record in csv_records(lines, max_bytes, SEPARATOR):
        if b'"' not in record:
            commas_bare = commas_bare or b"," in record
            num_tabs = record.count(SEPARATOR) if num_tabs < 0 and record.strip() else num_tabs
            continue
        bare = re.sub(_QUOTED, b"", record)
        is_header, tabs = num_tabs < 0, bare.count(SEPARATOR)
        num_tabs = tabs if is_header else num_tabs
        commas_bare = commas_bare or b"," in bare
        if abs(num_quoted - num_text) == _ENOUGH:
            break
        if not _RECORD.fullmatch(record) or tabs != num_tabs:
            num_text += 1
        elif is_header or _NEEDS_QUOTES.search(record):
            num_quoted += 1
        else:
            commas_quoted = commas_quoted or record.count(b",") > bare.count(b",")
    if not num_quoted and not num_text:
        return commas_quoted and not commas_bare
    return num_quoted > num_text


def has_quoted_names(header: bytes) -> bool:
    """Whether the names in a header are in quotes."""
    return b'"' in header and _RECORD.fullmatch(header) is not None
