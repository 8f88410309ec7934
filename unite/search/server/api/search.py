"""Searching from a program: `POST /api/search` with JSON, or with files as a form."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from unite.errors import DataError, must_be, must_be_one_of
from unite.media import KINDS, Kind
from unite.search.hits import Hit, QueryPart, Search
from unite.search.server.api.operation import Answered, Operation, Sent, checked, read_json
from unite.search.server.refusals import RefusalError
from unite.search.server.service import service_of
from unite.search.server.uploads import Form, Upload, item, read_form, upload_of_string
from unite.types import Modality


class Attached(Sent):
    """A file of the same form."""

    file: str = Field(description="the name of the form's field that holds it")


Media = str | Attached


class Part(Sent):
    """Something like this, or, of a negative weight, not like this. Text and media of a part are one: a picture and what to change."""

    text: str = Field("", max_length=100_000)
    image: Media | list[Media] = Field(default_factory=list, description="a data URI, base64, or a file of the form")
    video: Media | list[Media] = Field(default_factory=list, description="as image")
    instruction: str = Field("", max_length=10_000, description="what to retrieve, where the encoder takes one")
    weight: float = Field(1.0, description="of its embedding in the query's; below 0 pushes away, 0 is refused")


class SearchRequest(Sent):
    """A search: by meaning (text, parts, like), by words, or both, which are then fused."""

    model: str = Field("", description="which corpus, by its name; the first where it is left out")
    text: str = Field("", max_length=100_000, description="short for a part of this text alone")
    parts: list[Part] = Field(default_factory=list, max_length=16)
    like: list[str] = Field(default_factory=list, max_length=100, description="ids of rows: more like these")
    words: str = Field("", max_length=10_000, description="looked for in the rows' texts")
    where: str = Field("", max_length=10_000, description="a filter on the metadata, in SQL: price < 5 AND kind = 'bird'")
    modalities: list[str] = Field(
        default_factory=list, description="of the rows that may be hits: text, image, text+image, ...; empty is all"
    )
    k: int = Field(10, ge=1, le=1000)
    offset: int = Field(0, ge=0, le=100_000, description="how many of the best are passed over")


class FormRequest(Sent):
    """The same as a form: its fields by their names, the lists as fields that are repeated, and files in `image`, `video` or `file`.

    The text and the files are one part. For several parts, or weights, send the whole search as JSON in the field `search`; a medium in it
    is `{"file": "<the name of a field>"}`.
    """

    search: str = Field("", description="a search as JSON; then no other field but those of its files")
    model: str = ""
    text: str = ""
    instruction: str = ""
    like: list[str] = Field(default_factory=list)
    words: str = ""
    where: str = ""
    modalities: list[str] = Field(default_factory=list)
    k: int = 10
    offset: int = 0
    image: list[bytes] = Field(default_factory=list)
    video: list[bytes] = Field(default_factory=list)
    file: list[bytes] = Field(default_factory=list, description="an image or a video, as its bytes tell")


class FoundRow(Answered):
    """A row of the corpus."""

    id: str
    score: float = Field(description="cosine similarity to the query; where words are searched too, that of the fused ranking")
    source: str = Field(description="where its content lies")
    modality: str
    text: str
    metadata: dict[str, Any]
    thumbnail: str | None = Field(description="the path of a little JPEG")
    media: str | None = Field(description="the path of its first medium")


class SearchAnswer(Answered):
    """The hits, best first."""

    model: str
    hits: list[FoundRow]
    seconds: float = Field(description="that it took, waiting included")


_LISTS = ("like", "modalities")
_FILES = (*(kind.word for kind in KINDS), "file")
_VALUES = tuple(name for name in FormRequest.model_fields if name not in (*_LISTS, *_FILES, "search", "instruction"))


async def search(request: Request) -> Response:
    """Answers a search."""
    start = time.perf_counter()
    service = service_of(request)
    form = Form()
    if request.headers.get("content-type", "").startswith(("multipart/form-data", "application/x-www-form-urlencoded")):
        form = await read_form(request)
        asked, parts = _of_form(form)
    else:
        asked, parts = await read_json(request, SearchRequest), None
    name = service.known(asked.model)
    wanted = await run_in_threadpool(_search_of, asked, parts, form)
    hits = await service.search(wanted, name)
    answer = {"model": name, "hits": [hit_object(hit, name) for hit in hits], "seconds": round(time.perf_counter() - start, 6)}
    return JSONResponse(answer)


def hit_object(hit: Hit, name: str) -> dict[str, Any]:
    """Returns a row as `FoundRow` has it."""
    place = f"{quote(hit.id, safe='')}?model={quote(name, safe='')}"
    return {
        "id": hit.id,
        "score": _plain(hit.score),
        "source": hit.source,
        "modality": hit.modality,
        "text": hit.text,
        "metadata": {key: _plain(value) for key, value in hit.metadata.items()},
        "thumbnail": f"/api/thumbnails/{place}" if hit.thumbnail else None,
        "media": f"/api/media/{place}" if hit.medium else None,
    }


def _plain(value: Any) -> Any:
    """Returns a value as JSON has it: NaN, which it has not, is null, and what it does not know is told in words."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str | int | bool | None) else str(value)


def _of_form(form: Form) -> tuple[SearchRequest, Sequence[QueryPart] | None]:
    """Returns what a form asks, and its parts where they are not told by `search`."""
    if form.fields.get("search"):
        if others := [name for name in form.fields if name != "search"]:
            raise RefusalError(400, must_be("a form with a search", "without other fields", ", ".join(others)), param=others[0])
        return checked(SearchRequest, form.first("search").encode()), None
    for name in (*form.fields, *(upload.field for upload in form.uploads)):
        if name not in FormRequest.model_fields:
            raise RefusalError(400, must_be_one_of("a field of the form", FormRequest.model_fields, name), param=name)
    given: dict[str, object] = {name: form.first(name) for name in _VALUES if form.first(name)}
    text = str(given.pop("text", ""))
    asked = checked(SearchRequest, given | {name: form.all(name) for name in _LISTS})
    for upload in form.uploads:
        if upload.field not in ("file", upload.kind.word):
            kind = must_be(upload.name or upload.field, upload.field, upload.kind.word)
            raise RefusalError(415, kind, param=upload.field, code="unsupported_media")
    parts = [QueryPart(item(text, form.uploads, form.first("instruction")))] if text.strip() or form.uploads else []
    return asked, parts


def _search_of(asked: SearchRequest, parts: Sequence[QueryPart] | None, form: Form) -> Search:
    """Returns the search, its media as bytes. Raises RefusalError if one is none."""
    if parts is None:
        parts = [QueryPart({"text": asked.text})] if asked.text.strip() else []
        parts += [_part_of(part, place, form) for place, part in enumerate(asked.parts)]
    try:
        modalities = [str(Modality.parse(name)) for name in asked.modalities]
    except DataError as error:
        raise RefusalError(400, error.told, param="modalities") from error
    return Search(parts, asked.like, asked.words, asked.where, modalities, asked.k, asked.offset)


def _part_of(part: Part, place: int, form: Form) -> QueryPart:
    by_field = {upload.field: upload for upload in form.uploads}
    media: list[Upload] = []
    for kind in KINDS:
        given = getattr(part, kind.word)
        for number, medium in enumerate(given if isinstance(given, list) else [given]):
            media.append(_upload_of(medium, kind, f"parts[{place}].{kind.word}[{number}]", by_field))
    try:
        return QueryPart(item(part.text, media, part.instruction), part.weight)
    except DataError as error:  # a weight of 0
        raise RefusalError(400, error.told, param=f"parts[{place}].weight") from error


def _upload_of(medium: Media, kind: Kind, name: str, by_field: Mapping[str, Upload]) -> Upload:
    if isinstance(medium, str):
        return upload_of_string(medium, name, kind)
    if medium.file not in by_field:
        raise RefusalError(400, must_be_one_of(f"{name}.file", by_field, medium.file), param=name)
    upload = by_field[medium.file]
    if upload.kind is not kind and not kind.recognises(upload.data):
        raise RefusalError(415, must_be(name, kind.word, upload.kind.word), param=name, code="unsupported_media")
    return Upload(kind, upload.data, upload.field, upload.name)


OPERATIONS = (
    Operation(
        "POST",
        "/api/search",
        "search",
        "Search a corpus",
        "By a text, pictures or clips, several of them with weights, more like rows that are there, words, and a filter on the metadata.",
        search,
        SearchAnswer,
        {"application/json": SearchRequest, "multipart/form-data": FormRequest},
        refusals=(400, 404, 415),
    ),
)
