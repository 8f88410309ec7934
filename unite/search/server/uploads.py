"""What people hand over, made items to embed: texts as texts, media as bytes of a known kind.

This is the only place where a request becomes an item. A text is put under its name, never alone, and a medium is bytes: so nothing that
somebody sends is taken for a file's name or for an address (`unite.embedding.items` would open the one and could fetch the other).

What is uploaded stays in memory, within `Limits`; nothing is written.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import Request

from unite.embedding.addresses import data_of_uri, kind_of_uri
from unite.errors import DataError, must_be
from unite.media import KINDS, Kind, kind_of_bytes
from unite.search.server.limits import Limits
from unite.search.server.refusals import RefusalError

_KINDS = " or ".join(f"{'an' if kind.word[0] in 'aeiou' else 'a'} {kind.word}" for kind in KINDS)


@dataclass(frozen=True)
class Upload:
    """A medium.

    Attributes:
        kind: of it, which its bytes tell too.
        data: a file's bytes.
        field: of the form that it came in.
        name: of the file as its sender calls it: to be shown, escaped, and for nothing else.
    """

    kind: Kind
    data: bytes
    field: str = ""
    name: str = ""


@dataclass(frozen=True)
class Form:
    """What a form holds.

    Attributes:
        fields: all but the files, by name.
        uploads: the files that are not empty.
    """

    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)
    uploads: Sequence[Upload] = ()

    def first(self, name: str, default: str = "") -> str:
        """Returns the first value of a field."""
        return next(iter(self.fields.get(name, ())), default)

    def all(self, name: str) -> list[str]:
        """Returns every value of a field that is not empty."""
        return [value for value in self.fields.get(name, ()) if value]


class _InMemory(MultiPartParser):
    """Files stay in memory, which the guard of the app bounds; by its default the parser would write larger ones to the disk."""

    spool_max_size = 0


async def read_form(request: Request) -> Form:
    """Reads a form, multipart or URL-encoded.

    Raises:
        RefusalError: if it is no form, or broken; a file is no image or video (415).
    """
    limits: Limits = request.app.state.limits
    mime = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    bounds = {"max_fields": limits.fields, "max_part_size": limits.field_bytes}
    parser: MultiPartParser | FormParser
    if mime == "multipart/form-data":
        parser = _InMemory(request.headers, request.stream(), max_files=limits.files, **bounds)
    elif mime == "application/x-www-form-urlencoded":
        parser = FormParser(request.headers, request.stream(), **bounds)
    else:
        raise RefusalError(415, must_be("the content type of a form", "multipart/form-data or application/x-www-form-urlencoded", mime))
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise RefusalError(400, f"The form cannot be read: {error.message}") from error
    fields: dict[str, list[str]] = {}
    uploads: list[Upload] = []
    for name, value in form.multi_items():
        if not isinstance(value, UploadFile):
            fields.setdefault(name, []).append(value)
    try:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile) and value.size:  # a file input that was left empty is sent too
                uploads.append(upload_of_bytes(await value.read(), name, value.filename or "", value.content_type or ""))
    except RefusalError as refusal:
        refusal.fields = fields
        raise
    return Form(fields, uploads)


def upload_of_bytes(data: bytes, field: str = "", name: str = "", mime: str = "", kind: Kind | None = None) -> Upload:
    """Returns a medium as its bytes tell it.

    Args:
        data: a file's bytes.
        field: that it came in.
        name: of the file, for an error.
        mime: which its sender says it has.
        kind: it is meant to be; None if `mime` or the bytes tell.

    Raises:
        RefusalError: (415) if the bytes are no medium, or none of the kind.
    """
    kind = kind or next((one for one in KINDS if mime.lower().startswith(f"{one.word}/")), None) or kind_of_bytes(data)
    if kind is None or not kind.recognises(data):
        expected = f"the bytes of {_KINDS if kind is None else kind.word}"
        actual = f"{len(data)} bytes that begin with {data[:12]!r}"
        raise RefusalError(415, must_be(name or field or "a medium", expected, actual), param=field, code="unsupported_media")
    return Upload(kind, data, field, name)


def upload_of_string(value: str, field: str, kind: Kind | None = None) -> Upload:
    """Returns a medium that came in JSON: a data URI, or base64 alone where the kind is known or its bytes tell it.

    Raises:
        RefusalError: if it is neither, such as an address: nothing is fetched, and no file of the server opened.
    """
    try:
        if value[:5].lower() == "data:":
            kind = kind or kind_of_uri(value)
            data = data_of_uri(value)
        elif "://" in value[:32] or value[:5].lower() == "file:":
            hint = "Nothing is fetched here: send what it holds."
            raise RefusalError(400, must_be(field, "a data URI or base64", value[:60], hint), param=field, code="url_not_allowed")
        else:
            data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RefusalError(400, must_be(field, "a data URI or base64", value[:60], f"It is not: {error}."), param=field) from error
    except DataError as error:
        raise RefusalError(400, f"{field}: {error.told}", param=field) from error
    return upload_of_bytes(data, field, kind=kind)


def item(text: str = "", media: Iterable[Upload] = (), instruction: str = "") -> dict[str, Any]:
    """Returns an item to embed (`unite.embedding.items.Item`): its media, images first, before its text.

    Raises:
        RefusalError: if it holds nothing.
    """
    made: dict[str, Any] = {}
    for upload in media:
        made.setdefault(upload.kind.word, []).append(upload.data)
    if not made and not text.strip():
        raise RefusalError(400, must_be("a part", "a text, a medium or both", "empty"), code="empty")
    return {**made, "text": text, "instruction": instruction}
