"""Rows of a corpus, thumbnails and media: `GET /api/rows/{id}`, `/api/thumbnails/{id}`, `/api/media/{id}`, and what corpora there are.

An id is looked up in the corpus and is never part of a path on the disk.
"""

from __future__ import annotations

import re

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from unite.search.server.api.operation import Answered, Operation
from unite.search.server.api.search import FoundRow, hit_object
from unite.search.server.refusals import RefusalError
from unite.search.server.service import service_of

#: What is sent to be saved.
_SAVED = "application/octet-stream"
#: Types that a browser shows and cannot be made to run: SVG is a page of its own.
_SHOWN = re.compile(r"(?:image/(?!svg)|video/|audio/)[\w.+-]+")


class Corpus(Answered):
    """A corpus."""

    name: str
    encoder: str = Field(description="what a person calls the encoder that made it")
    num_rows: int
    modalities: list[str]
    columns: dict[str, str] = Field(description="the metadata's columns and their types, for filters")


class Corpora(Answered):
    """The corpora that can be searched; the first is searched where none is named."""

    corpora: list[Corpus]


async def corpora(request: Request) -> Response:
    """Tells what there is."""
    service = service_of(request)
    facts = [(name, await service.facts(name)) for name in service.names]
    found = [
        Corpus(name=name, encoder=now.name, num_rows=now.num_rows, modalities=list(now.modalities), columns=dict(now.columns))
        for name, now in facts
    ]
    return JSONResponse(Corpora(corpora=found).model_dump())


async def row(request: Request) -> Response:
    """Tells a row."""
    service = service_of(request)
    name = service.known(request.query_params.get("model", ""))
    return JSONResponse(hit_object(await service.row(request.path_params["id"], name), name))


async def thumbnail(request: Request) -> Response:
    """Sends the little JPEG of a row."""
    id = request.path_params["id"]
    found = await service_of(request).row(id, request.query_params.get("model", ""))
    if not found.thumbnail:
        raise RefusalError(404, f"Row {id!r} has no thumbnail.", param="id", code="media_not_found")
    return Response(found.thumbnail, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=300"})


async def media(request: Request) -> Response:
    """Sends the first medium of a row, or the part of it that a player asks for."""
    id, name = request.path_params["id"], request.query_params.get("model", "")
    answer = await service_of(request).media(id, name, request.headers.get("range"), _as_shown)
    if answer.media_type == _SAVED:
        answer.headers["Content-Disposition"] = "attachment"
    return answer


def _as_shown(data: bytes, mime: str) -> tuple[bytes, str]:
    return data, mime if _SHOWN.fullmatch(mime) else _SAVED


_ID = ("id", "path", "of the row")
_MODEL = ("model", "query", "which corpus, by its name; the first where it is left out")

OPERATIONS = (
    Operation("GET", "/api/corpora", "corpora", "What can be searched", "Corpora, with what filters may name.", corpora, Corpora),
    Operation(
        "GET", "/api/rows/{id:any}", "row", "A row", "As a hit of score 1.", row, FoundRow, parameters=(_ID, _MODEL), refusals=(404,)
    ),
    Operation(
        "GET",
        "/api/thumbnails/{id:any}",
        "thumbnail",
        "A row's thumbnail",
        "A little JPEG.",
        thumbnail,
        "image/jpeg",
        parameters=(_ID, _MODEL),
        refusals=(404,),
    ),
    Operation(
        "GET",
        "/api/media/{id:any}",
        "media",
        "A row's first medium",
        "Read from its source, or the part of it that a Range header asks for.",
        media,
        "*/*",
        parameters=(_ID, _MODEL),
        refusals=(404, 416),
    ),
)
