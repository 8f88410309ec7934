"""Cuts a CSV file, or a TSV with quotation marks, into records, so that a stray mark costs one line and not the rest of the file.

A quoted field may hold line breaks, so a record may go over several lines. Where such a record turns out to be none (something else than a
separator follows its closing quotation mark, it has not the header's number of fields, or it never ends), the mark that opened it was a
stray one: its first line is a record of its own, which cannot be read, and the lines after it are read again. Files that Python's csv
module reads, with as many fields in each row as in the header, are cut as it cuts them.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator

#: What is left of a quoted field, up to its closing quotation mark; a doubled one is part of the text.
_TO_CLOSING = re.compile(rb'(?:[^"]++|"")*+"')
_BOM = b"\xef\xbb\xbf"


class _NoRecordError(Exception):
    """The lines read so far are not the beginning of a record."""


def csv_records(lines: Iterable[bytes], max_bytes: int, separator: bytes = b",") -> Iterator[bytes]:
    """Yields the records of a file; joined, they are the file.

    Args:
        lines: of the file, with their ends. The first record is the header.
        max_bytes: of a record that goes over several lines.
        separator: of fields.
    """
    rest, again = iter(lines), deque[bytes]()
    num_fields = 0
    while line := _next(again, rest):
        if b'"' not in line:  # most lines of most files
            num_fields = num_fields or (line.count(separator) + 1 if line.strip() else 0)
            yield line
            continue
        # A header has as many fields as it has.
        held, fields = _take(line, again, rest, separator, num_fields or max_bytes, max_bytes, is_header=not num_fields)
        num_fields = num_fields or fields
        yield b"".join(held)


def _next(again: deque[bytes], rest: Iterator[bytes]) -> bytes:
    """Returns the next line, b"" at the end."""
    return again.popleft() if again else next(rest, b"")


def _take(
    line: bytes, again: deque[bytes], rest: Iterator[bytes], separator: bytes, num_fields: int, max_bytes: int, *, is_header: bool
) -> tuple[list[bytes], int]:
    """Returns the lines of the record that begins with this one, and its number of fields; others that it looked at go to `again`."""
    held, size = [line], len(line)
    try:
        is_open, fields = _scan(line.removeprefix(_BOM) if is_header else line, separator, is_open=False, fields=1)
        while is_open:
            following = _next(again, rest)
            if following:
                held.append(following)
                size += len(following)
            # Every mark that opens a field closes one that is open, so lines are looked at no more often than a record has fields.
            if not following or fields > num_fields or size > max_bytes:
                raise _NoRecordError
            is_open, fields = _scan(following, separator, is_open=True, fields=fields)
        if len(held) > 1 and fields != num_fields and not is_header:
            raise _NoRecordError
    except _NoRecordError:
        again.extendleft(reversed(held[1:]))
        return [line], line.count(separator) + 1
    return held, fields


def _scan(line: bytes, separator: bytes, *, is_open: bool, fields: int) -> tuple[bool, int]:
    """Reads one line.

    Args:
        line: with its end.
        separator: of fields.
        is_open: whether it begins inside of a quoted field.
        fields: of the record so far, the one that it begins in among them.

    Returns:
        The same two after it. Raises _NoRecordError if it cannot be part of a record.
    """
    at = 0
    while True:
        if not is_open and line.startswith(b'"', at):
            is_open, at = True, at + 1
        if is_open:
            closing = _TO_CLOSING.match(line, at)
            if closing is None:
                return True, fields
            is_open, at = False, closing.end()
            if line.startswith(separator, at):
                fields, at = fields + 1, at + 1
            elif line[at:].strip(b"\r\n"):
                raise _NoRecordError
            else:
                return False, fields
        else:  # a quotation mark that does not open a field is one
            end = line.find(separator, at)
            if b"\r" in line[at : end if end >= 0 else len(line)].rstrip(b"\r\n"):
                raise _NoRecordError
            if end < 0:
                return False, fields
            fields, at = fields + 1, end + 1
