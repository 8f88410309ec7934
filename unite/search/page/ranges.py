"""The part of a medium that a player asks for (RFC 9110, 14.2), with headers by which no browser runs what is in it."""

from __future__ import annotations

import re

from starlette.responses import Response

#: One range, which is what players ask for; several at once are answered whole, as the RFC allows.
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
#: A picture with scripts in it (SVG) runs none, and nothing is taken for what it is not.
SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, max-age=3600",
    "Accept-Ranges": "bytes",
}


def part_of(data: bytes, mime: str, asked: str | None) -> Response:
    """Returns bytes, or the part of them that a `Range` header asks for.

    Args:
        data: the whole.
        mime: its type.
        asked: the header's value, None if there is none. What cannot be read as a range counts as none.
    """
    found = _RANGE.fullmatch((asked or "").strip())
    if found is None or found.groups() == ("", ""):
        return Response(data, 200, SAFE, mime)
    first, last = found.groups()
    if not first:  # the last so many
        begin, end = max(0, len(data) - int(last)), len(data) - 1
    else:
        begin, end = int(first), min(int(last) if last else len(data) - 1, len(data) - 1)
    if first and last and int(last) < int(first):
        return Response(data, 200, SAFE, mime)
    if begin > end:
        return Response(b"", 416, {**SAFE, "Content-Range": f"bytes */{len(data)}"}, mime)
    return Response(data[begin : end + 1], 206, {**SAFE, "Content-Range": f"bytes {begin}-{end}/{len(data)}"}, mime)
