"""The API told: an OpenAPI 3.1 document at `/openapi.json`, and the same as a page without a script at `/api/docs`, from this server alone.

Source: OpenAPI Specification 3.1.1. Schemas are pydantic's, which are of the dialect that 3.1 takes (JSON Schema 2020-12).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

import unite
from unite.search.server.api.operation import Answered, Operation
from unite.templates import html_environment

_REF = "#/components/schemas/{model}"
_STATUSES = {
    400: "Something of the request is wrong.",
    401: "The token is missing or wrong.",
    403: "The request is of another site's page, or to another name.",
    404: "There is none.",
    408: "The request did not come in time.",
    413: "The request is too large.",
    415: "It is of another type: no JSON, no image, no video.",
    416: "The medium has no such part.",
    500: "The server failed; its log tells more.",
    503: "Too much is asked at once: try again after the seconds of Retry-After.",
}
#: What any request may be refused with.
_OF_ALL = (401, 403, 408, 413, 500, 503)


class ErrorBody(Answered):
    """What is wrong."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorAnswer(Answered):
    """A refusal, in the form of OpenAI's API."""

    error: ErrorBody


def routes_of(operations: Sequence[Operation]) -> list[Route]:
    """Returns the routes of the document, the page and its style."""
    told = document(operations)
    page = (
        html_environment(__package__)
        .get_template("api.html.j2")
        .render(document=told, of_all={str(status): _STATUSES[status] for status in _OF_ALL}, pretty=_pretty)
    )
    style = files(__package__).joinpath("templates", "api.css").read_text(encoding="utf-8")

    async def as_json(request: Request) -> Response:
        return JSONResponse(told)

    async def as_page(request: Request) -> Response:
        return HTMLResponse(page)

    async def as_style(request: Request) -> Response:
        return Response(style, media_type="text/css")

    return [Route("/openapi.json", as_json), Route("/api/docs", as_page), Route("/api/docs.css", as_style)]


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """Returns the OpenAPI document of some operations."""
    sent = {model for operation in operations for model in operation.sent.values()}
    answered = {operation.answered for operation in operations if not isinstance(operation.answered, str)}
    modes: list[tuple[type[BaseModel], Any]] = [
        *((model, "validation") for model in sent),
        *((model, "serialization") for model in answered),
    ]
    modes = sorted([*modes, (ErrorAnswer, "serialization")], key=lambda pair: pair[0].__name__)
    _, schemas = models_json_schema(modes, ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(_path(operation), {})[operation.method.lower()] = _told(operation)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "unite",
            "summary": "Search by texts, pictures and videos, and their embeddings",
            "version": unite.__version__,
        },
        "paths": paths,
        "components": {"schemas": schemas["$defs"], "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{"token": []}, {}],  # a server on this machine alone may have none
    }


def _told(operation: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {"operationId": operation.name, "summary": operation.summary, "description": operation.description}
    if operation.parameters:
        told["parameters"] = [
            {"name": name, "in": place, "required": place == "path", "description": description, "schema": {"type": "string"}}
            for name, place, description in operation.parameters
        ]
    if operation.sent:
        told["requestBody"] = {"required": True, "content": {mime: _schema(model) for mime, model in operation.sent.items()}}
    answered = operation.answered
    content: dict[str, Any] = {answered: {}} if isinstance(answered, str) else {"application/json": _schema(answered)}
    told["responses"] = {"200": {"description": "It.", "content": content}}
    for status in sorted({*_OF_ALL, *operation.refusals}):
        told["responses"][str(status)] = {"description": _STATUSES[status], "content": {"application/json": _schema(ErrorAnswer)}}
    return told


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return {"schema": {"$ref": _REF.format(model=model.__name__)}}


def _path(operation: Operation) -> str:
    """Returns the path with parameters as OpenAPI has them."""
    return re.sub(r":\w+}", "}", operation.path)


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
