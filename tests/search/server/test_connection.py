import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tests.search.fake_searching import FakeSearching
from tests.search.server.running import running
from unite.search.server.limits import Limits

GET = b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\n"
LARGE = b"GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
POST = b"POST /api/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


async def large(request):
    return Response(b"a" * 32_000_000)


@pytest.fixture(scope="module")
def server():
    with running({"mine": FakeSearching()}, limits=Limits(head_seconds=0.4, connections=8), routes=[Route("/large", large)]) as server:
        yield server


def is_ended(connection, seconds=5) -> bool:
    """Whether the other side ends the connection in time; what it says until then is read."""
    connection.settimeout(seconds)
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize("said", [b"", b"GET", GET])
def test_a_head_that_does_not_come(server, said):
    with server.raw() as connection:
        connection.sendall(said)
        assert is_ended(connection)


def test_a_head_that_trickles_in(server):
    with server.raw() as connection:
        start = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() < start + 5:
                connection.sendall(b"G")
                time.sleep(0.05)
        assert time.monotonic() < start + 4


def test_the_second_request_of_a_connection_is_waited_for_as_long(server):
    with server.raw() as connection:
        connection.sendall(GET + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET /v1")
        assert is_ended(connection)


def test_an_answer_that_nobody_takes(server):
    with server.raw() as connection:
        connection.sendall(LARGE)
        assert connection.recv(12) == b"HTTP/1.1 200"
        assert server.server.server_state.connections
        deadline = time.monotonic() + 10
        while server.server.server_state.connections and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not server.server.server_state.connections


def test_a_body_that_nobody_reads_is_not_taken_for_ever(server):
    with server.raw() as connection:
        connection.sendall(b"POST /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        start = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() < start + 5:
                connection.sendall(b"400\r\n" + b"a" * 1024 + b"\r\n")
                time.sleep(0.01)
        assert time.monotonic() < start + 4


@pytest.mark.parametrize("said", [b"", GET, GET + b"\r\n", POST + b"Content-Length: 9\r\n\r\na", LARGE])
def test_many_that_are_waited_for_keep_nobody_out(server, said):
    slow = []
    try:
        for number in range(24):
            slow.append(server.raw())
            slow[-1].sendall(said)
            if number % 6 == 5:
                assert server.ask("GET", "/v1/models")[0] == 200
        assert len(server.server.server_state.connections) <= 8
    finally:
        for connection in slow:
            connection.close()


def test_who_is_being_answered_is_not_cut_for_others():
    with running({"mine": FakeSearching(seconds=1.0)}, limits=Limits(connections=4)) as server:
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(server.ask, "POST", "/api/search", {"text": "a"})
            silent = []
            while not asked.done():
                silent.append(server.raw())
                time.sleep(0.05)
            assert asked.result()[0] == 200 and len(silent) > 4
        for connection in silent:
            connection.close()


def test_what_takes_long_to_answer_is_not_cut():
    async def pieces():
        for piece in (b"a", b"b"):
            yield piece
            await asyncio.sleep(0.5)

    async def slow(request):
        return StreamingResponse(pieces())

    limits = Limits(head_seconds=0.2, body_seconds=0.2)
    with running({"mine": FakeSearching(seconds=0.5)}, limits=limits, routes=[Route("/slow", slow)]) as server:
        assert server.ask("POST", "/api/search", {"text": "a"})[0] == 200
        assert server.ask("GET", "/slow")[2] == b"ab"


def test_a_client_that_takes_it_whole_gets_it_whole(server):
    assert len(server.ask("GET", "/large")[2]) == 32_000_000
