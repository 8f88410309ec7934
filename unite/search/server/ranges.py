"""A medium as it is sent, or the part of it that a player asks for (RFC 9110, 14.2), so that no browser runs what is in it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from unite.search.server.refusals import RefusalError

#: One range, which is what players ask for; several at once are answered whole, as the RFC allows.
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
#: What is opened by itself runs nothing, whatever it turns out to be (a picture with scripts in it), and is not taken for what it is not.
SAFE = {
    "Content-Security-Policy": "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, max-age=300",
    "Accept-Ranges": "bytes",
}
_CHUNK = 2**16


class Part(StreamingResponse):
    """A part of a medium, sent in pieces: whoever takes it slowly then holds one of them in the server's buffers beside the medium.

    Args:
        data: the whole.
        span: where the part begins and ends.
        status: of the answer.
        headers: beside `SAFE`.
        mime: its type.

    Attributes:
        on_end: called when the medium is not held any more.
    """

    def __init__(self, data: bytes, span: tuple[int, int], status: int, headers: Mapping[str, str], mime: str) -> None:
        self._data, self._span = data, span
        self.on_end: Callable[[], object] = lambda: None
        super().__init__((), status, {**SAFE, **headers}, mime)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As of ASGI."""
        self.body_iterator = self._pieces()  # not before: the two hold each other, and would be freed when the garbage is collected
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._data = b""  # at once, whatever an error holds of this
            self.on_end()

    async def _pieces(self) -> AsyncIterator[bytes]:
        start, end = self._span
        for place in range(start, end, _CHUNK):
            yield self._data[place : min(place + _CHUNK, end)]
            await asyncio.sleep(0)  # for the loop to notice that a client is gone: else the rest is written to nobody, with warnings


def part_of(data: bytes, mime: str, asked: str | None) -> Response:
    """Returns bytes, or the part of them that a `Range` header asks for; 416 if none of it is there.

    Args:
        data: the whole.
        mime: its type.
        asked: the header's value, None if there is none. What cannot be read as a range counts as none.
    """
    size = len(data)
    span = _span(asked or "", size)
    if span is None:
        return Part(data, (0, size), 200, {"Content-Length": str(size)}, mime)
    start, end = span
    if start >= end:
        headers = {"Content-Range": f"bytes */{size}"}
        return RefusalError(416, f"There are {size} bytes.", code="range_not_satisfiable", headers=headers).response()
    headers = {"Content-Range": f"bytes {start}-{end - 1}/{size}", "Content-Length": str(end - start)}
    return Part(data, span, 206, headers, mime)


def _span(asked: str, size: int) -> tuple[int, int] | None:
    """Returns where what a header asks for begins and ends; None for the whole."""
    found = _RANGE.fullmatch(asked.strip())
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:  # the last so many
        return max(size - int(last), 0), size
    if last and int(last) < int(first):
        return None
    return int(first), min(int(last) + 1, size) if last else size
