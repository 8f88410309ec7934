"""Stored rows to contents: every medium by its kind, within limits.

Nothing is replaced: what cannot be decoded raises a DataError that tells why, and the caller counts it. What can be used but is not whole
(a video that ends early) is told, by name and once.
"""

from __future__ import annotations

import logging
from functools import lru_cache

from unite.config.schema.media import Decoding
from unite.data.rows import Row, StoredContent, StoredMedium
from unite.errors import DataError, must_be
from unite.media import kind_of
from unite.types import Content, Example, Medium

log = logging.getLogger(__name__)


def decode_row(row: Row, key: str, source: str, decoding: Decoding) -> Example:
    """Decodes every medium of a row. Raises DataError, naming `key`, if one cannot be decoded or a content is empty."""
    try:
        return Example(
            key,
            source,
            decode_content(row.query, decoding, f"sample {key}"),
            tuple(decode_content(stored, decoding, f"sample {key}") for stored in row.positives),
            tuple(decode_content(stored, decoding, f"sample {key}") for stored in row.negatives),
        )
    except DataError as error:
        raise DataError(f"sample {key}: {error}") from error


def decode_content(stored: StoredContent, decoding: Decoding, name: str = "a content") -> Content:
    """Decodes the media of a content, and tells by `name` what is to be known of them.

    Raises:
        DataError: if a medium cannot be decoded, or the content holds neither text nor medium.
    """
    content = Content(stored.text, tuple(decode_medium(medium, decoding) for medium in stored.media), stored.instruction, stored.group)
    if not content.modality:
        raise DataError(must_be("a content", "a text, a medium or both", f"text {stored.text!r} without media"))
    for medium in content.media:
        if medium.remark:
            _tell(name, str(medium.modality), medium.remark)
    return content


@lru_cache(maxsize=1 << 16)  # a process: what is read in every epoch is told once
def _tell(name: str, kind: str, remark: str) -> None:
    log.warning("the %s of %s %s.", kind, name, remark)


def decode_medium(stored: StoredMedium, decoding: Decoding) -> Medium:
    """Decodes one medium. Raises DataError if it is broken, empty or larger than the limits."""
    if not stored.data:
        raise DataError(must_be(f"the {stored.modality}", f"a .{stored.extension} file with content", "0 bytes long"))
    return kind_of(stored.modality).decode(stored.data, decoding)
