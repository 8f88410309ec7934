import json
import threading
import time

import pytest

from tests.search.fake_searching import FakeSearching
from tests.search.media_files import base64_of, picture, uri
from tests.search.server.running import running
from unite.search.server.limits import Limits

LIMITS = Limits(body_bytes=200_000, small_bytes=1000, uploads=2, body_seconds=1.0)
HEAD = b"POST /api/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def server():
    with running({"mine": FakeSearching()}, limits=LIMITS) as server:
        yield server


def answer_of(connection) -> bytes:
    """What comes until the other side ends the connection, or says no more for a moment."""
    connection.settimeout(5)
    answer = b""
    try:
        while b"\r\n\r\n" not in answer or b"}" not in answer:
            if not (more := connection.recv(65536)):
                break
            answer += more
    except (ConnectionResetError, TimeoutError):
        pass
    return answer


def test_what_says_that_it_is_too_large_is_not_read(server):
    with server.raw() as connection:
        connection.sendall(HEAD + b"Content-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n")
        answer = answer_of(connection)
    assert answer.startswith(b"HTTP/1.1 413")  # and no 100 before it
    assert b"request must be of at most 200000 bytes, but is 99999999999" in answer


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x"])
def test_what_does_not_say_how_large_it_is_is_counted(server, content_type):
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with server.raw() as connection:
        head = HEAD.replace(b"application/json", content_type.encode())
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
        begin = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        connection.sendall(b"%x\r\n%s\r\n" % (len(begin), begin))
        for _ in range(4):  # 262,144 bytes; it goes on for ever, if one lets it
            connection.sendall(chunk)
        assert answer_of(connection).startswith(b"HTTP/1.1 413")


def test_a_large_one_within_the_bound_is_answered(server):
    assert server.ask("POST", "/api/search", {"text": "a" * 90_000})[0] == 200


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"+5", b"1" * 19, b"1" * 5000])
def test_a_length_that_is_none(server, length):
    with server.raw() as connection:
        connection.sendall(HEAD + b"Content-Length: " + length + b"\r\n\r\n{}")
        assert answer_of(connection).startswith(b"HTTP/1.1 400")


def test_a_body_that_trickles_in_is_not_waited_for(server):
    with server.raw() as connection:
        connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
        start = time.monotonic()
        answer = answer_of(connection)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"request_timeout" in answer
    assert time.monotonic() - start < 4


def test_too_many_uploads_at_once_are_sent_away_and_small_requests_are_not():
    # Each stays as long as its body does not come whole.
    with running({"mine": FakeSearching()}, limits=Limits(small_bytes=1000, uploads=2, body_seconds=20)) as server:
        body = json.dumps({"parts": [{"image": base64_of(picture(size=(300, 300)))}], "text": " " * 5000}).encode()
        held = [server.raw() for _ in range(2)]
        for connection in held:
            connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body[:-1])
        deadline = time.monotonic() + 10
        status = 0
        while status != 503 and time.monotonic() < deadline:  # until both are under way
            status, headers, told = server.ask("POST", "/api/search", body, content_type="application/json")
        assert status == 503
        assert headers["retry-after"] == "1"
        assert b"2 uploads are under way" in told
        assert server.ask("POST", "/api/search", {"text": "small"})[0] == 200
        for connection in held:
            connection.sendall(body[-1:])
            assert answer_of(connection).startswith(b"HTTP/1.1 200")
            connection.close()
        assert server.ask("POST", "/api/search", body, content_type="application/json")[0] == 200


def test_a_client_that_goes_leaves_its_place():
    with running({"mine": FakeSearching()}, limits=Limits(small_bytes=10, uploads=1, body_seconds=20)) as server:
        for _ in range(3):
            with server.raw() as connection:
                connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n{")
        deadline = time.monotonic() + 5
        while (status := server.ask("POST", "/api/search", {"text": "a long enough one"})[0]) == 503 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert status == 200


def test_bombs_of_json(server):
    for body in (b"[" * 100_000, b'{"parts":' * 5000, b'{"k": 1' + b"0" * 50_000 + b"}", b'{"text": "\\ud800"}', b"\xff\xfe", b""):
        status, _, told = server.ask("POST", "/api/search", body, content_type="application/json")
        assert (status, json.loads(told)["error"]["type"]) == (400, "invalid_request_error")
        assert len(told) < 2000
        status, _, told = server.ask("POST", "/v1/embeddings", body, content_type="application/json")
        assert (status, json.loads(told)["error"]["type"]) == (400, "invalid_request_error")


def test_uploads_from_many_at_once_are_all_answered(server):
    statuses = []
    body = {"parts": [{"image": uri(picture())}]}

    def ask():
        statuses.append(server.ask("POST", "/api/search", body)[0])

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert statuses == [200] * 12
