"""The dashboard of runs that still go on, from a server on this machine: the page asks it for news."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from unite.comparison.dashboard.gather import Gathering
from unite.comparison.dashboard.page import render_dashboard
from unite.comparison.dashboard.payload import Payload, make_payload
from unite.errors import ConfigError, UniteError, must_be

HOST = "127.0.0.1"
#: Of this machine alone: a page of another site, by a name of its own that points here, gets nothing.
_OUR_NAMES = ("127.0.0.1", "localhost")


class _News:
    """The dashboard's data, made again when a run changed."""

    def __init__(self, gathering: Gathering) -> None:
        self._gathering = gathering
        self._lock = Lock()
        self._signature: tuple[object, ...] = ()
        self._payload = Payload({}, {}, [])

    def payload(self) -> tuple[str, Payload]:
        """Returns the data and a tag, another one when the data changed."""
        with self._lock:
            gathered = self._gathering.read()
            signature = (*gathered.signature, *(run.name for run in gathered.runs))
            if signature != self._signature:
                self._payload = make_payload(gathered.runs, gathered.notes, gathered.title)
                self._signature = signature
            return f'"{sha256(repr(signature).encode()).hexdigest()[:16]}"', self._payload


def make_server(gathering: Gathering, port: int, render: Callable[[Payload], str] | None = None) -> ThreadingHTTPServer:
    """Returns a server of the page, on this machine alone; port 0 takes a free one.

    Raises:
        ConfigError: if the port is taken.
    """
    news = _News(gathering)
    news.payload()  # what is wrong with the runs is told before anything is served
    draw = render or (lambda payload: render_dashboard(payload, live=True))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if (self.headers.get("Host") or "").rpartition(":")[0] not in _OUR_NAMES:
                return self.send_error(403)
            path = urlsplit(self.path).path
            try:
                tag, payload = news.payload()
            except UniteError as error:  # a folder that was removed meanwhile
                return self.send_error(503, explain=str(error))
            if path == "/":
                return self._send(draw(payload), "text/html; charset=utf-8")
            if path not in ("/data.json", "/failures.json"):
                return self.send_error(404)
            if self.headers.get("If-None-Match") == tag:
                return self._send("", "application/json", tag, status=304)
            found: Any = payload.runs if path == "/data.json" else payload.failures
            return self._send(json.dumps(found, ensure_ascii=False), "application/json", tag)

        def _send(self, text: str, kind: str, tag: str = "", status: int = 200) -> None:
            body = text.encode(errors="backslashreplace")
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            if tag:
                self.send_header("ETag", tag)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass  # a request every few seconds

    try:
        return ThreadingHTTPServer((HOST, port), Handler)
    except OSError as error:
        raise ConfigError(must_be("--port", "one that is free on this machine", f"{port} ({error.strerror})", "0 takes any.")) from error
