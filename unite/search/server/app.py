"""The app: guards, the page's routes, the API's, and what ends with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from unite.errors import UniteError
from unite.search.hits import Searching
from unite.search.server import api
from unite.search.server.access import Access
from unite.search.server.headers import SecurityHeaders
from unite.search.server.intake import Intake
from unite.search.server.limits import Limits
from unite.search.server.refusals import told, unknown
from unite.search.server.service import Service


def make_app(
    searchers: Mapping[str, Searching],
    *,
    token: str | None,
    hosts: Collection[str],
    routes: Sequence[BaseRoute] = (),
    limits: Limits | None = None,
) -> Starlette:
    """Returns the app of some corpora.

    Args:
        searchers: by the names that users see; the first is asked where none is named.
        token: that every request must bring; None for none, on this machine alone (`access.token_for`).
        hosts: names of the server (`access.hosts_of`).
        routes: of a page; they come before the API's.
        limits: of what requests may take.

    Raises:
        ConfigError: if there is no searcher.
    """
    limits = limits or Limits()
    service = Service(searchers, limits)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await service.close()

    app = Starlette(
        routes=[*routes, *api.routes()],
        middleware=[Middleware(SecurityHeaders), Middleware(Access, token=token, hosts=hosts), Middleware(Intake, limits=limits)],
        exception_handlers={UniteError: told, HTTPException: told, Exception: unknown},
        lifespan=lifespan,
    )
    app.state.service, app.state.limits, app.state.token = service, limits, token
    return app
