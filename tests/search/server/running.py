"""An app on a free port, by the server that users run."""

import http.client
import json
import socket
import threading
import time
from contextlib import contextmanager

from unite.search.server import make_app
from unite.search.server.access import hosts_of
from unite.search.server.limits import Limits
from unite.search.server.serving import make_server, open_socket


class Running:
    """A server under way; every connection of its own is closed by whoever opens it."""

    def __init__(self, app):
        self.app = app
        self.socket = open_socket("127.0.0.1", 0, None)
        self.port = self.socket.getsockname()[1]
        self.server = make_server(app)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]}, daemon=True)
        self.thread.start()
        while not self.server.started:
            assert self.thread.is_alive()
            time.sleep(0.005)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def stop(self):
        self.server.should_exit = True
        self.thread.join(30)
        assert not self.thread.is_alive()

    def ask(self, method, path, body=None, **headers):
        """Returns (status, headers, body) of one request on a connection of its own; names of headers are written with _."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            if isinstance(body, dict):
                body, headers = json.dumps(body), {"content_type": "application/json"} | headers
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def raw(self):
        """Returns a connection of bytes."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)


@contextmanager
def running(searchers, *, token=None, limits=None, routes=()):
    server = Running(make_app(searchers, token=token, hosts=hosts_of("127.0.0.1"), limits=limits or Limits(), routes=routes))
    try:
        yield server
    finally:
        server.stop()
