"""The routes of the search page, for `unite.search.server.make_app`.

GET  /                  the page, with what its address asks for
POST /                  a form with pictures or clips: they are kept, and the browser is sent to the search's address
GET  /media             a row's medium, or the part that a player asks for
POST /label             right or wrong
GET  /page.css, .js     what the page takes, from here alone
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from unite.errors import DataError, UniteError, must_be
from unite.search.page.asked import MAX_ADDRESS, MAX_WEIGHT, Asked, AskedPart
from unite.search.page.filters import OPERATORS
from unite.search.page.playable import playable
from unite.search.page.shown import Found, as_uri, file_name, find, num_shared
from unite.search.page.uploads import Uploads
from unite.search.page.verdicts import Clicked, Verdicts
from unite.search.server.refusals import RefusalError
from unite.search.server.service import Service, service_of
from unite.search.server.uploads import read_form
from unite.templates import html_environment
from unite.types import Modality

#: Hits of a page: of one encoder, and of each of two.
SIZES = (24, 12)
#: A form's post must tell where it comes from: with the server's `no-referrer` browsers send `Origin: null`, which is refused.
_HEADERS = {"Referrer-Policy": "same-origin"}
_STATIC = {"page.css": "text/css", "page.js": "text/javascript"}


def page_routes(labels: Path | None = None) -> Sequence[BaseRoute]:
    """Returns the routes.

    Args:
        labels: the file that clicks on right and wrong are kept in; None for no such clicks.

    Raises:
        DataError: if there is a file of that name that holds no labels.
    """
    page = SearchPage(labels)
    return [
        Route("/", page.show, methods=["GET"]),
        Route("/", page.take, methods=["POST"]),
        Route("/media", page.media, methods=["GET"]),
        Route("/label", page.label, methods=["POST"]),
        *(Route(f"/{name}", _static(name, mime), methods=["GET"]) for name, mime in _STATIC.items()),
    ]


class SearchPage:
    """What answers."""

    def __init__(self, labels: Path | None) -> None:
        self.uploads = Uploads()
        self.verdicts = Verdicts(labels, self.uploads) if labels else None

    @cached_property
    def _template(self) -> Any:
        return html_environment("unite.search.page", (file_name, as_uri)).get_template("page.html.j2")

    async def show(self, request: Request) -> Response:
        """The page."""
        try:
            asked = Asked.of_fields(request.query_params.multi_items())
        except UniteError as error:
            return await self._page(request, Asked(), error.told)
        return await self._page(request, asked)

    async def take(self, request: Request) -> Response:
        """Keeps what was dropped and sends the browser on to the search's address."""
        asked = Asked()
        try:
            form = await read_form(request)
            asked = Asked.of_fields((name, value) for name, values in form.fields.items() for value in values)
            asked = replace(asked, page=1)
            parts = list(asked.parts)
            for upload in form.uploads:
                number = upload.field.removeprefix("file")
                place = int(number) if number.isdecimal() and len(number) < 3 else len(parts)
                kept = await run_in_threadpool(self.uploads.keep, upload)
                parts += [AskedPart()] * (min(place, len(parts)) + 1 - len(parts))
                parts[min(place, len(parts) - 1)] = replace(parts[min(place, len(parts) - 1)], upload=kept)
            asked = replace(asked, parts=tuple(parts))
            address = asked.address()
            if len(address) > MAX_ADDRESS:
                raise DataError(must_be("what is asked", f"at most {MAX_ADDRESS} bytes of an address", len(address), "Say it shorter."))
        except RefusalError as refusal:
            return await self._page(request, _typed(refusal.fields), refusal.told)
        except UniteError as error:
            return await self._page(request, asked, error.told)
        more = {"part": "&more=part", "filter": "&more=filter"}.get(form.first("do"), "")
        return RedirectResponse(address + more, 303, _HEADERS)

    async def media(self, request: Request) -> Response:
        """A row's medium."""
        service = service_of(request)
        name, id = _name(service, request.query_params.get("in", "0")), request.query_params.get("id", "")
        row = await service.row(id, name)
        modality = row.medium or Modality.IMAGE
        return await service.media(id, name, request.headers.get("range"), lambda data, mime: playable(data, modality))

    async def label(self, request: Request) -> Response:
        """Keeps a verdict; a browser without script is sent back to the page."""
        service = service_of(request)
        form = await read_form(request)
        if self.verdicts is None:
            raise DataError(must_be("labels", "a file to keep verdicts in", None, "Start with labels=labels.jsonl."))
        asked = Asked.of_fields(parse_qsl(form.first("asked").partition("?")[2], keep_blank_values=True))
        searching = service.searcher(_name(service, form.first("in", "0")))
        clicked = Clicked.of_form(*(form.first(name) for name in ("verdict", "id", "rank", "score")))
        await run_in_threadpool(self.verdicts.keep, asked, clicked, searching)
        if "text/html" not in request.headers.get("accept", ""):
            return Response(status_code=204)
        return RedirectResponse(asked.address() + "#results", 303, _HEADERS)

    async def _page(self, request: Request, asked: Asked, error: str = "") -> Response:
        service = service_of(request)
        size = SIZES[len(service.names) > 1]
        found: list[Found] = []
        like = []
        verdicts = self.verdicts.of(asked) if self.verdicts else {}
        if asked.asks and not error:
            found = await find(service, lambda searching: asked.search(searching.columns, self.uploads.medium, size), verdicts, size)
            errors = list(dict.fromkeys(one.error for one in found))
            if len(errors) == 1 and errors[0]:  # the same of both: told once
                found, error = [], errors[0]
            like = await _rows_like(service, asked)
        elif (asked.filters or asked.where.strip()) and not error:
            error = "Filters narrow a search: say what to look for, too."
        corpora = [await service.facts(name) for name in service.names]
        page = self._template.render(
            asked=asked,
            parts=_with_uploads(asked.parts, self.uploads) or [(AskedPart(), "")],
            more=request.query_params.get("more", ""),
            found=found,
            shared=num_shared(found) if len(found) == 2 else 0,
            like=like,
            error=error,
            corpora=list(zip(service.names, corpora, strict=True)),
            modalities=list(dict.fromkeys(one for corpus in corpora for one in corpus.modalities)),
            columns={name: kind for corpus in reversed(corpora) for name, kind in corpus.columns.items()},
            operators=OPERATORS,
            labels=self.verdicts.path.name if self.verdicts else "",
            max_weight=MAX_WEIGHT,
        )
        return HTMLResponse(page, 400 if error else 200, _HEADERS)


def _typed(fields: Mapping[str, Sequence[str]]) -> Asked:
    """Returns what stands in the fields of a form whose file was refused, or nothing where they cannot be read either."""
    try:
        return replace(Asked.of_fields((name, value) for name, values in fields.items() for value in values), page=1)
    except UniteError:
        return Asked()


async def _rows_like(service: Service, asked: Asked) -> list[tuple[str, str, str]]:
    """Returns thumbnail, title and the address without it of each row that hits shall be like."""
    rows = []
    for id in asked.like:
        try:
            row = await service.row(id)
        except UniteError:
            continue  # the search has told it
        rest = tuple(other for other in asked.like if other != id)
        rows.append((as_uri(row.thumbnail), row.text.strip() or file_name(row.source), asked.address(like=rest, page=1)))
    return rows


def _with_uploads(parts: Sequence[AskedPart], uploads: Uploads) -> list[tuple[AskedPart, str]]:
    """Returns the parts with previews of their uploads; an upload that is gone has none, and is not asked for again."""
    shown = []
    for part in parts:
        try:
            shown.append((part, as_uri(uploads.find(part.upload).preview) if part.upload else ""))
        except UniteError:
            shown.append((replace(part, upload=""), ""))
    return shown


def _name(service: Service, number: str) -> str:
    """Returns the name of an encoder by its number. Raises DataError if there is none."""
    if not (number.isascii() and number.isdigit() and len(number) < 3 and int(number) < len(service.names)):
        raise DataError(must_be("the number of an encoder", f"from 0 to {len(service.names) - 1}", number))
    return service.names[int(number)]


def _static(name: str, mime: str) -> Any:
    data = files("unite.search.page").joinpath("static", name).read_bytes()

    async def answer(request: Request) -> Response:
        return Response(data, 200, {"Cache-Control": "no-cache"}, mime)

    return answer
