"""The app on a port of this machine."""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Callable
from functools import partial

import uvicorn
from starlette.applications import Starlette

from unite.errors import ConfigError, must_be
from unite.search.server.access import is_loopback
from unite.search.server.connection import Connection
from unite.search.server.limits import Limits


def serve(app: Starlette, host: str = "127.0.0.1", port: int = 7860, *, on_start: Callable[[str], None] = lambda address: None) -> None:
    """Serves an app until Ctrl-C, and answers what is in flight then.

    Args:
        app: of `make_app`.
        host: to which it is bound; another than this machine's own needs an app with a token.
        port: 0 takes any that is free.
        on_start: called with the address to open, the token included, when it listens.

    Raises:
        ConfigError: if the port is taken, the address none of this machine, or a token is missing.
    """
    with open_socket(host, port, app.state.token) as listening:
        on_start(address_of(listening, host, app.state.token))
        make_server(app).run(sockets=[listening])


def make_server(app: Starlette) -> uvicorn.Server:
    """Returns the server of an app of `make_app`, to be run on sockets."""
    limits: Limits = app.state.limits
    config = uvicorn.Config(
        app,
        http=partial(Connection, seconds=limits.head_seconds, most=limits.connections),  # type: ignore[arg-type]  # it asks for a class, and calls it
        ws="none",
        lifespan="on",
        access_log=False,  # it would hold tokens and what people look for
        log_config=None,
        server_header=False,
        proxy_headers=False,
        # It counts requests whose connections were cut until they notice, so this is for when all connections are being answered.
        limit_concurrency=2 * limits.connections,
        timeout_keep_alive=math.ceil(
            limits.head_seconds
        ),  # by uvicorn's own 5 s, at which httpx gives a connection up too, requests are lost
        timeout_graceful_shutdown=math.ceil(limits.shutdown_seconds),
    )
    return uvicorn.Server(config)


def open_socket(host: str, port: int, token: str | None) -> socket.socket:
    """Returns a socket that is bound; whoever closes it is the caller. Raises ConfigError as `serve`."""
    if token is None and not is_loopback(host):
        raise ConfigError(must_be("host", "127.0.0.1 where there is no token", host, "Give a token, or have one made: access.token_for."))
    if not 0 <= port < 2**16:
        raise ConfigError(must_be("port", f"from 0 to {2**16 - 1}", port))
    listening = None
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # Plainly of TCP: else asyncio leaves Nagle's algorithm on, and the body of each answer waits 40 ms for the receipt of its head.
        listening = socket.socket(family, kind, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(address)
        listening.listen()
    except OSError as error:
        if listening is not None:
            listening.close()
        number = error.errno or 0  # below 0 it is getaddrinfo's own
        why = os.strerror(number) if number > 0 else str(error)
        raise ConfigError(must_be("host and port", "free on this machine", f"{host}:{port} ({why})", "Port 0 takes any.")) from error
    return listening


def address_of(listening: socket.socket, host: str, token: str | None) -> str:
    """Returns what to open in a browser."""
    name = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(host, host)
    name = f"[{name}]" if ":" in name else name
    return f"http://{name}:{listening.getsockname()[1]}/" + (f"?token={token}" if token else "")
