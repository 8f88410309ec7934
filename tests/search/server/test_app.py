"""Also `headers.py`, what every answer says, and `refusals.py`, how errors are told."""

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.search.fake_searching import FakeSearching
from unite.errors import ConfigError, DataError
from unite.search.server import hosts_of, make_app, service_of


def client(app, **headers):
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://127.0.0.1", headers=headers)


@pytest.mark.anyio
async def test_routes_of_a_page_ask_the_service():
    async def page(request):
        return PlainTextResponse(str(service_of(request).searcher().num_rows))

    app = make_app({"mine": FakeSearching()}, token=None, hosts=hosts_of("127.0.0.1"), routes=[Route("/", page)])
    async with client(app) as web:
        answer = await web.get("/")
        assert (answer.status_code, answer.text) == (200, "2")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "script-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.anyio
async def test_errors_are_told_and_faults_are_not():
    async def wrong(request):
        raise DataError("the filter cannot be read")

    async def fault(request):
        raise KeyError("/secret/path")

    app = make_app(
        {"mine": FakeSearching()}, token=None, hosts=hosts_of("127.0.0.1"), routes=[Route("/wrong", wrong), Route("/fault", fault)]
    )
    async with client(app) as web:
        answer = await web.get("/wrong")
        assert answer.status_code == 400
        assert answer.json()["error"]["message"] == "the filter cannot be read"
        answer = await web.get("/fault")
        assert answer.status_code == 500
        assert "secret" not in answer.text
        answer = await web.get("/nowhere")
        assert answer.status_code == 404
        assert answer.json()["error"]["type"] == "not_found_error"


def test_without_a_corpus_there_is_nothing_to_serve():
    with pytest.raises(ConfigError, match="searchers must be at least one"):
        make_app({}, token=None, hosts=())
