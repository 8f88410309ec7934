"""Strings that are more than a text: data and file URIs, URLs, and what looks like the name of a file.

A string to embed is a text. One that is plainly something else as a whole ("photo.jpg", "https://...") would be embedded as a few odd
words, and nothing would tell; so it is asked for what it is. A sentence that ends in "photo.jpg" is a text.
"""

from __future__ import annotations

import base64
import binascii
import mimetypes
import re
from enum import Enum, auto
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from unite.errors import DataError, must_be, must_be_one_of
from unite.media import KINDS, Kind

#: Characters of a file's name at most, folders and all, and of each of them.
_LONGEST_NAME, _LONGEST_PART = 4096, 255
_SUFFIXES = "|".join(sorted({suffix for kind in KINDS for suffix in (*kind.suffixes, *kind.also)}))
_DATA = re.compile(r"data:[a-z]+/[\w.+-]+(?:[;,]|$)", re.IGNORECASE)
_FILE = re.compile(r"file:/\S", re.IGNORECASE)
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
#: What ends as a file's name does, of whatever kind.
_SUFFIX = re.compile(r".*[^\s.]\.\w{1,6}", re.DOTALL)
_MEDIUM = re.compile(rf"[^\x00-\x1f]*[^\s.\x00-\x1f]\.(?:{_SUFFIXES})", re.IGNORECASE)
_ROOT = re.compile(r"~?[/\\]|\.{1,2}[/\\]|[a-z]:[/\\]", re.IGNORECASE)


class Address(Enum):
    """What a string is, if it is no text."""

    data = auto()
    file = auto()
    url = auto()
    file_name = auto()


def address_of(text: str) -> Address | None:
    """Returns what a string is as a whole; None for a text. Only of what ends as a file's name is it asked whether it is there."""
    if ":" in text[:_LONGEST_NAME]:
        if _DATA.match(text):
            return Address.data
        if _FILE.match(text):
            return Address.file
        if _URL.fullmatch(text):
            return Address.url
    if len(text) > _LONGEST_NAME or "." not in text[-7:] or "\n" in text or not _SUFFIX.fullmatch(text):
        return None
    could_be = _MEDIUM.fullmatch(text) and max(map(len, re.split(r"[/\\]", text))) <= _LONGEST_PART
    if could_be and (_ROOT.match(text) or not re.search(r"\s", text)):
        return Address.file_name
    return Address.file_name if mimetypes.guess_type(text)[0] and _is_file(text) else None


def path_of_uri(uri: str) -> Path:
    """Returns the path of a `file:` URI (RFC 8089). Raises DataError if it names another machine."""
    parts = urlsplit(uri)
    if parts.netloc not in ("", "localhost"):
        raise DataError(must_be("a file: URI", "of a file here: file:///folder/name", uri, "Fetch it yourself, and pass its Path."))
    return Path(unquote(parts.path))


def kind_of_uri(uri: str) -> Kind:
    """Returns the kind that a data URI says it is of (RFC 2397). Raises DataError if that is none, or it is not whole."""
    head, comma, _ = uri.partition(",")
    mime = head[5:].partition(";")[0].lower()
    for kind in KINDS:
        if mime.startswith(f"{kind.word}/") and comma:
            return kind
    if not comma:
        raise DataError(must_be("a data URI", "data:image/png;base64,<its bytes>", _shown(uri), "The comma is missing."))
    raise DataError(must_be_one_of("the type of a data URI", [f"{kind.word}/..." for kind in KINDS], mime))


def data_of_uri(uri: str) -> bytes:
    """Returns what a data URI holds. Raises DataError if it is no base64 though it says so."""
    head, _, body = uri.partition(",")
    if not head.lower().endswith(";base64"):
        return unquote_to_bytes(body)
    try:
        return base64.b64decode(unquote(body), validate=True)
    except (binascii.Error, ValueError) as error:
        raise DataError(must_be("a data URI", "of whole base64 behind its comma", _shown(uri), f"It is not: {error}.")) from error


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):  # a part of it is too long for a name; a null character
        return False


def _shown(uri: str) -> str:
    return uri if len(uri) <= 60 else f"{uri[:60]}..."
