"""Who may ask: requests to this server by its own names, from its own pages or from programs, with the token where there is one.

A page of another site can have its reader's browser send requests here. It is told by what browsers send and pages cannot change: `Host`
(a name of the attacker's that points to this machine: DNS rebinding), `Origin` and `Sec-Fetch-Site`.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import socket
from collections.abc import Collection, Iterable
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from unite.errors import ConfigError, must_be
from unite.search.server.refusals import RefusalError

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SAFE = ("GET", "HEAD", "OPTIONS")
_LEAST_TOKEN = 16


def is_loopback(host: str) -> bool:
    """Whether an address is of this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def hosts_of(host: str, more: Iterable[str] = ()) -> frozenset[str]:
    """Returns the names by which a server that is bound to `host` may be called.

    Args:
        host: an address or a name; `0.0.0.0` and `::` are all of this machine.
        more: further names, of a proxy before it, say.
    """
    names = {host, *_LOOPBACK, *more}
    if not is_loopback(host):
        names |= {socket.gethostname(), socket.getfqdn()}
    return frozenset(name.strip("[]").lower() for name in names)


def token_for(host: str, given: str | None = None) -> str | None:
    """Returns the token that a server bound to `host` asks for: the one given, none on this machine alone, a new one elsewhere.

    Raises:
        ConfigError: if the one given is easily guessed, or does not fit into a header.
    """
    if given is None:
        return None if is_loopback(host) else secrets.token_urlsafe(32)
    if len(given) < _LEAST_TOKEN or not given.isascii() or not given.isprintable() or set(given) & set(' ",;\\'):
        hint = "Leave it out, and one is made."
        raise ConfigError(must_be("the token", f"{_LEAST_TOKEN} or more letters, digits or signs of ASCII", given, hint))
    return given


def _host_of(authority: str) -> str:
    """Returns the host of `host:port`, `[::1]:port` or `host`; "" where it cannot be read."""
    try:
        return (urlsplit(f"//{authority}").hostname or "").lower()
    except ValueError:
        return ""


def _netloc_of(origin: str) -> str:
    """Returns the authority of an origin; "" where it cannot be read, which is no server's."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


class Access:
    """An ASGI app before another that lets through what may ask.

    Args:
        app: what is asked.
        token: which must come as `Authorization: Bearer <token>` or as a cookie, which `?token=` sets; None for no token.
        hosts: names of the server; addresses as numbers are let through where it has a token, since no attacker's name is one.
    """

    def __init__(self, app: ASGIApp, *, token: str | None, hosts: Collection[str]) -> None:
        self.app, self.token = app, token
        self.hosts = frozenset(hosts)
        digest = hashlib.sha256((token or "").encode()).hexdigest()
        self._cookie = f"unite-{digest[:12]}"  # cookies do not tell ports apart: a name for each server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As of ASGI."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":  # no route speaks anything else
            return await send({"type": "websocket.close", "code": 1008})
        answer = self._refusal(scope)
        await (answer or self.app)(scope, receive, send)
        return None

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._is_ours(_host_of(host)):
            hint = "Open it by the address that the command printed."
            return RefusalError(403, must_be("the host", "a name of this server", host, hint), code="wrong_host").response()
        if self._is_foreign(scope["method"], headers, host):
            return RefusalError(403, "Requests of other sites' pages are not answered.", code="wrong_origin").response()
        return self._ask_token(scope, headers) if self.token else None

    def _is_ours(self, host: str) -> bool:
        if host in self.hosts:
            return True
        try:
            return self.token is not None and bool(ipaddress.ip_address(host))
        except ValueError:
            return False

    def _is_foreign(self, method: str, headers: Headers, host: str) -> bool:
        """Whether a page of another site has a browser send it. Programs send neither of these headers."""
        origin = headers.get("origin")
        if origin is not None and (method not in _SAFE or origin != "null") and _netloc_of(origin) != host.lower():
            return True
        is_elsewhere = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        is_link = method in _SAFE and headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
        return is_elsewhere and not is_link

    def _ask_token(self, scope: Scope, headers: Headers) -> Response | None:
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = next((value for key, value in query if key == "token"), None)
        if given is not None and scope["method"] in _SAFE and self._is_token(given):
            rest = urlencode([pair for pair in query if pair[0] != "token"])
            # The path as it came begins with one slash: with two it would be the address of another server.
            path = "/" + scope.get("raw_path", b"/").decode("latin-1").lstrip("/\\")
            answer = RedirectResponse(path + (f"?{rest}" if rest else ""), 303)
            # Lax: with Strict the page would not be shown to who follows a link in a message.
            answer.set_cookie(self._cookie, given, httponly=True, samesite="lax", secure=scope["scheme"] == "https")
            return answer
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        cookie = cookie_parser(headers.get("cookie", "")).get(self._cookie, "")
        if (scheme.lower() == "bearer" and self._is_token(bearer.strip())) or self._is_token(cookie):
            return None
        if "text/html" in headers.get("accept", ""):
            return PlainTextResponse("A token is needed: open the whole address that the command printed, with ?token= at its end.", 401)
        message = must_be("the token", "that of the server, as Authorization: Bearer <token>", "missing or wrong")
        return RefusalError(401, message, code="invalid_api_key", headers={"WWW-Authenticate": "Bearer"}).response()

    def _is_token(self, given: str) -> bool:
        # Of bytes, and always whole: how long it takes tells nothing.
        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), (self.token or "").encode())
