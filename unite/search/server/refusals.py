"""What a request is refused with: a status, and the error object of OpenAI's API, which every route answers with."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from unite.errors import UniteError
from unite.search.server.headers import HEADERS

log = logging.getLogger(__name__)

_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


class RefusalError(UniteError):
    """A request that is not answered.

    Attributes:
        status: of HTTP.
        param: which field of the request is at fault, "" for none.
        code: a few fixed words for programs.
        headers: of the answer.
        fields: what the form held beside a file that is refused, so that a page shows again what was typed.
    """

    fields: Mapping[str, Sequence[str]] = {}

    def __init__(self, status: int, message: str, *, param: str = "", code: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.param, self.code, self.headers = status, param, code, dict(headers or {})

    def response(self) -> Response:
        """Returns it as JSON."""
        return JSONResponse(error_object(self.status, str(self), self.param, self.code), self.status, self.headers)


def busy(what: str) -> RefusalError:
    """Returns the refusal of what is asked too often at once; a client tries again."""
    return RefusalError(503, f"{what}. Try again in a second.", code="server_busy", headers={"Retry-After": "1"})


def error_object(status: int, message: str, param: str = "", code: str = "") -> dict[str, Any]:
    """Returns an error in the form of OpenAI's API."""
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": message, "type": kind, "param": param or None, "code": code or None}}


async def told(request: Request, error: Exception) -> Response:
    """Answers an error that somebody can mend: what must be, what is, what to do."""
    if isinstance(error, RefusalError):
        return error.response()
    if isinstance(error, HTTPException):
        return JSONResponse(error_object(error.status_code, str(error.detail)), error.status_code, error.headers)
    return JSONResponse(error_object(400, error.told if isinstance(error, UniteError) else str(error)), 400)


async def unknown(request: Request, error: Exception) -> Response:
    """Answers a fault of ours: its traceback is in the log, and nothing of it in the answer."""
    return JSONResponse(error_object(500, "The server failed at this; its log tells more."), 500, HEADERS)
