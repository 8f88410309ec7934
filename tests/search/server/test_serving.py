"""Also `service.py`, which the routes ask."""

import logging
import socket
import threading
import time

import pytest

from tests.search.fake_searching import FakeSearching
from tests.search.server.running import Running, running
from unite.errors import ConfigError
from unite.search.server import make_app, serve
from unite.search.server.access import hosts_of
from unite.search.server.limits import Limits
from unite.search.server.serving import address_of, open_socket


def app_of(token=None, limits=None, seconds=0.0):
    return make_app({"mine": FakeSearching(seconds=seconds)}, token=token, hosts=hosts_of("127.0.0.1"), limits=limits)


def test_a_port_that_is_taken():
    with open_socket("127.0.0.1", 0, None) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"host and port must be free on this machine, but is '127.0.0.1:{port} .*Port 0 takes any"):
            serve(app_of(), "127.0.0.1", port)


@pytest.mark.parametrize(("host", "port"), [("198.51.100.7", 0), ("no such host.example", 0)])
def test_an_address_that_is_none_of_this_machine(host, port):
    with pytest.raises(ConfigError, match="host and port must be free on this machine"):
        open_socket(host, port, "a token")


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_there_is_none_of(port):
    with pytest.raises(ConfigError, match=f"port must be from 0 to 65535, but is {port}"):
        open_socket("127.0.0.1", port, None)


def test_an_answer_does_not_wait_for_a_receipt_of_its_head():
    """With Nagle's algorithm the body would: 40 ms an answer."""
    with open_socket("127.0.0.1", 0, None) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.proto == socket.IPPROTO_TCP  # by which asyncio tells where to turn it off


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2"])
def test_without_a_token_it_is_of_this_machine_alone(host):
    with pytest.raises(ConfigError, match=r"host must be 127.0.0.1 where there is no token.*Give a token"):
        serve(app_of(), host, 0)


def test_the_address_to_open():
    with open_socket("127.0.0.1", 0, None) as listening:
        port = listening.getsockname()[1]
        assert address_of(listening, "127.0.0.1", None) == f"http://127.0.0.1:{port}/"
        assert address_of(listening, "::1", "secret") == f"http://[::1]:{port}/?token=secret"
        assert address_of(listening, "0.0.0.0", "secret") == f"http://{socket.gethostname()}:{port}/?token=secret"


def test_it_says_where_it_is_when_it_listens():
    told = []

    def on_start(address):
        told.append(address)
        raise KeyboardInterrupt  # Ctrl-C before it began

    with pytest.raises(KeyboardInterrupt):
        serve(app_of(), "127.0.0.1", 0, on_start=on_start)
    assert told[0].startswith("http://127.0.0.1:")


def test_what_is_in_flight_is_answered_at_the_end():
    server = Running(app_of(seconds=0.3, limits=Limits(batch_tokens=1)))  # each by itself
    statuses = []
    threads = [threading.Thread(target=lambda: statuses.append(server.ask("POST", "/api/search", {"text": "a"})[0])) for _ in range(4)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 10
    while len(server.server.server_state.tasks) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    server.stop()
    for thread in threads:
        thread.join(10)
    assert statuses == [200] * 4
    with pytest.raises(ConnectionRefusedError):
        server.ask("GET", "/v1/models")


def test_more_than_can_wait_are_told_to_come_again(monkeypatch):
    let_go = threading.Event()
    embed = FakeSearching.embed
    monkeypatch.setattr(FakeSearching, "embed", lambda self, items: let_go.wait(20) and embed(self, items))
    with running({"mine": FakeSearching()}, limits=Limits(waiting=2, batch_tokens=1)) as server:
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(server.ask("POST", "/v1/embeddings", {"input": "a"}))) for _ in range(8)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 15
        while len(answers) < 5 and time.monotonic() < deadline:  # one is embedded, two wait
            time.sleep(0.01)
        assert [status for status, _, _ in answers] == [503] * 5
        assert {headers["retry-after"] for _, headers, _ in answers} == {"1"}
        let_go.set()
        for thread in threads:
            thread.join(20)
        assert sorted(status for status, _, _ in answers) == [200] * 3 + [503] * 5


def test_200_requests_from_16_clients_all_get_their_own():
    """None is lost, and none gets what is another's."""
    searcher = FakeSearching(seconds=0.002)
    texts = [f"{chr(97 + place % 26) * (place + 1)}" for place in range(200)]
    found = {}
    with running({"mine": searcher}) as server:

        def ask(client):
            for place in range(client, 200, 16):
                status, _, body = server.ask("POST", "/v1/embeddings", {"input": texts[place]})
                found[place] = (status, body)

        threads = [threading.Thread(target=ask, args=(client,)) for client in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        alone = [server.ask("POST", "/v1/embeddings", {"input": text}) for text in texts[::25]]
    assert [found[place][0] for place in range(200)] == [200] * 200
    assert [found[place][1] for place in range(0, 200, 25)] == [body for _, _, body in alone]
    assert len({body for _, body in found.values()}) > 150  # they differ
    assert len(searcher.calls) < 200 + len(alone)  # some went together
    assert searcher.most_at_once == 1


def test_a_fault_is_in_the_log_and_not_in_the_answer(caplog, monkeypatch):
    monkeypatch.setattr(FakeSearching, "search", lambda self, search: {}["/secret/path"])
    with running({"mine": FakeSearching()}) as server, caplog.at_level(logging.ERROR):
        status, headers, body = server.ask("POST", "/api/search", {"text": "a"})
        assert (status, headers["x-content-type-options"]) == (500, "nosniff")
        assert b"secret" not in body and b"its log tells more" in body
        assert server.ask("GET", "/v1/models")[0] == 200
    assert "/secret/path" in caplog.text
