"""How much of a request is taken in, how long it may take to come, and how many large ones at once.

It is counted as it comes: of a body that is too large no more is read than the bound, whatever its head said of its length.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unite.errors import must_be
from unite.search.server.limits import Limits
from unite.search.server.refusals import RefusalError, busy


class Intake:
    """An ASGI app before another that bounds the bodies of its requests."""

    def __init__(self, app: ASGIApp, *, limits: Limits) -> None:
        self.app, self.limits = app, limits
        self._uploads = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As of ASGI."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        try:
            length = _announced(scope)
            if length is not None and length > self.limits.body_bytes:
                raise self._too_large(length)
            if length is not None and length <= self.limits.small_bytes:
                return await self._pass(scope, receive, send)
            if self._uploads >= self.limits.uploads:
                raise busy(f"{self._uploads} uploads are under way")
        except RefusalError as refusal:
            return await refusal.response()(scope, receive, send)
        # Until it is answered: its media are in memory that long.
        self._uploads += 1
        try:
            return await self._pass(scope, receive, send)
        finally:
            self._uploads -= 1

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(ClientDisconnect):  # nobody is there to be answered
            await self.app(scope, self._bounded(receive), send)

    def _bounded(self, receive: Receive) -> Receive:
        num_bytes, is_whole = 0, False
        end = asyncio.get_running_loop().time() + self.limits.body_seconds

        async def bounded() -> Message:
            nonlocal num_bytes, is_whole
            if is_whole:  # what comes now is the end of the connection, for which an answer may wait long
                return await receive()
            try:
                async with asyncio.timeout_at(end):
                    message = await receive()
            except TimeoutError:
                expected = f"sent whole within {self.limits.body_seconds:g} seconds"
                raise RefusalError(408, must_be("a request", expected, "not"), code="request_timeout") from None
            num_bytes += len(message.get("body", b""))
            if num_bytes > self.limits.body_bytes:
                raise self._too_large(num_bytes)
            is_whole = not message.get("more_body", False)
            return message

        return bounded

    def _too_large(self, num_bytes: int) -> RefusalError:
        expected = f"of at most {self.limits.body_bytes} bytes"
        return RefusalError(413, must_be("a request", expected, num_bytes), code="request_too_large")


_LENGTH = re.compile("[0-9]{1,18}")


def _announced(scope: Scope) -> int | None:
    """Returns how long the head says that the body is; None where it does not tell. Raises RefusalError if that is no number."""
    headers = Headers(scope=scope)
    if "transfer-encoding" in headers:
        return None
    length = headers.get("content-length", "0")
    if not _LENGTH.fullmatch(length):
        raise RefusalError(400, must_be("Content-Length", "a number of at most 18 digits", length[:40]))
    return int(length)
