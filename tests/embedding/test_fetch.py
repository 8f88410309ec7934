import socket
import ssl
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from unite.embedding import fetch as module
from unite.embedding.fetch import Fetching, check_url, fetch, is_public, public_addresses
from unite.errors import ConfigError, DataError

LIMITS = Fetching(max_bytes=1000, seconds=5)


class Pages(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        name, _, rest = self.path[1:].partition("?")
        getattr(self, name or "path_", self.path_)(rest)

    def answer(self, status=200, data=b"", **headers):
        self.send_response(status)
        for key, value in {"Content-Length": len(data), **headers}.items():
            if value is not None:
                self.send_header(key.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(data)

    def data(self, size):
        self.answer(data=b"a" * int(size or 3))

    def host(self, _):
        self.answer(data=self.headers["Host"].encode())

    def to(self, url):
        self.answer(302, Location=url)

    def path_(self, _):
        self.answer(data=self.path.encode())

    def plain(self, encoding):
        self.answer(data=b"abc", Content_Encoding=encoding)

    def rude(self, _):
        self.wfile.write(b"HTTP/1.1 404 \x1b[2J\x1b[31mgone\r\nContent-Length: 0\r\n\r\n")

    def gone(self, _):
        self.answer(404)

    def unsized(self, size):
        self.answer(data=b"a" * int(size), **{"Content-Length": None, "Connection": "close"})
        self.close_connection = True

    def short(self, _):
        self.answer(data=b"abc", **{"Content-Length": 9})
        self.close_connection = True

    def zipped(self, _):
        self.answer(data=b"abc", Content_Encoding="gzip")

    def slow(self, sized):
        self.answer(**{"Content-Length": 900 if sized else None, "Connection": "close"})
        for _ in range(100):
            time.sleep(0.05)
            try:
                self.wfile.write(b"a")
            except OSError:
                return

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    pages = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    pages.daemon_threads, pages.handle_error = True, lambda *_: None  # whoever asked may have left
    thread = threading.Thread(target=pages.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{pages.server_port}"
    pages.shutdown()
    thread.join()


@pytest.fixture
def let_in(monkeypatch):
    """The machine itself counts as public, and nothing else does."""
    monkeypatch.setattr(module, "is_public", lambda address: address == "127.0.0.1")


@contextmanager
def named(monkeypatch, *answers):
    """Names mean these addresses, one list a question; yields where connections were made to."""
    questions, made = iter(answers), []

    def resolve(host, port, **_):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in next(questions)]

    def connect(address, timeout):
        made.append(address)
        raise ConnectionRefusedError("refused")

    with monkeypatch.context() as patch:
        patch.setattr(module.socket, "getaddrinfo", resolve)
        patch.setattr(module.socket, "create_connection", connect)
        yield made


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1"])
def test_addresses_of_the_internet(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "198.18.0.1"),
        *("224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::"),
        *("2001:0:4136:e378:8000:63bf:80ff:fefe", "64:ff9b:1::7f00:1", "64:ff9b:1::a9fe:a9fe", "192.88.99.1", "3fff::1", "5f00::1"),
    ],
)
def test_addresses_of_ones_own_network(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "[::1]", "169.254.169.254", "[::ffff:7f00:1]"],
)
def test_a_host_of_ones_own_network_is_not_asked(host, monkeypatch):
    monkeypatch.setattr(module.socket, "create_connection", lambda *_, **__: pytest.fail("it was asked"))
    with pytest.raises(DataError, match="the host .* has the address .*, which is not public|the host .* is not known"):
        fetch(f"http://{host}/", LIMITS)


def test_a_name_of_which_one_address_is_private_is_refused(monkeypatch):
    with named(monkeypatch, ["8.8.8.8", "10.0.0.7"]) as made, pytest.raises(DataError, match="a.b has the address 10.0.0.7, which is not"):
        fetch("http://a.b/", LIMITS)
    assert not made


def test_a_name_is_resolved_once_and_that_address_asked(monkeypatch):
    """A name that means another address the second time (DNS rebinding) is not asked a second time."""
    with named(monkeypatch, ["8.8.8.8", "8.8.4.4"], ["127.0.0.1"]) as made, pytest.raises(DataError, match="cannot be fetched: refused"):
        fetch("http://a.b/", LIMITS)
    assert made == [("8.8.8.8", 80), ("8.8.4.4", 80)]
    with named(monkeypatch, ["8.8.8.8"]) as made, pytest.raises(DataError):
        fetch("https://a.b:444/", LIMITS)
    assert made == [("8.8.8.8", 444)]


def test_over_tls_the_certificate_must_be_the_hosts(monkeypatch, server, let_in):
    asked = []

    class Context:
        def wrap_socket(self, sock, server_hostname):
            asked.append(server_hostname)
            raise ssl.SSLCertVerificationError("another host's certificate")

    monkeypatch.setattr(module, "_tls", Context)
    with pytest.raises(DataError, match="cannot be fetched: .*another host's certificate"):
        fetch(server.replace("http://", "https://"), LIMITS)
    assert asked == ["127.0.0.1"]
    monkeypatch.undo()
    assert module._tls().check_hostname and module._tls().verify_mode is ssl.CERT_REQUIRED


def test_what_lies_at_a_url(server, let_in):
    assert fetch(f"{server}/data?1000", LIMITS) == b"a" * 1000
    assert fetch(f"{server}/unsized?1000#part", LIMITS) == b"a" * 1000
    assert fetch(f"{server}/host", LIMITS).decode() == server.removeprefix("http://")
    assert fetch(f"{server}/to?/to?{server}/data?7", LIMITS) == b"a" * 7


@pytest.mark.parametrize(
    ("rest", "sent"),
    [
        ("", "/"),
        ("?a=b", "/?a=b"),
        ("/\u00e9 t\u00e9".replace(" ", "%20") + ".jpg?q=\u65e5", "/%C3%A9%20t%C3%A9.jpg?q=%E6%97%A5"),
        ("/a//%zz+b;c=(d)~", "/a//%zz+b;c=(d)~"),
    ],
)
def test_a_path_is_sent_as_a_browser_sends_it(server, let_in, rest, sent):
    assert fetch(f"{server}{rest}", LIMITS).decode() == sent


@pytest.mark.parametrize("encoding", ["", "Identity"])
def test_what_is_sent_as_it_is_may_say_so(server, let_in, encoding):
    assert fetch(f"{server}/plain?{encoding}", LIMITS) == b"abc"


def test_what_a_server_says_does_not_steer_the_terminal(server, let_in):
    with pytest.raises(DataError) as raised:
        fetch(f"{server}/rude", LIMITS)
    assert "404" in str(raised.value) and str(raised.value).isprintable()


def test_a_handshake_that_ends_after_the_time_is_over_is_the_end(monkeypatch, server, let_in):
    """What was cut is the socket beneath; the one that the handshake gives is a new one, which nobody would cut any more."""

    class Context:
        def wrap_socket(self, sock, server_hostname):
            new = socket.socket(fileno=sock.detach())
            time.sleep(0.4)
            return new

    monkeypatch.setattr(module, "_tls", Context)
    begun = time.monotonic()
    with pytest.raises(DataError, match="it took more than 0.2 s"):
        fetch(f"{server}/slow".replace("http://", "https://"), Fetching(seconds=0.2))
    assert time.monotonic() - begun < 3  # the page itself takes 5


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("data?1001", r"data\?1001 must be at most fetching.max_bytes \(1000\) bytes large, but is 'larger'"),
        ("unsized?1001", r"must be at most fetching.max_bytes \(1000\) bytes large"),
        ("gone", "/gone cannot be fetched: 404 Not Found"),
        ("short", "/short cannot be fetched: IncompleteRead"),
        ("zipped", "it is sent as gzip, which was not asked for"),
        ("to?http://10.0.0.7/", "the host 10.0.0.7 has the address 10.0.0.7, which is not public"),
        ("to?file:///etc/passwd", "a URL must be of http or https, but is 'file:///etc/passwd'"),
        ("to?http://me:word@127.0.0.1/", "a URL must be without a name and a password"),
        ("to?to?to?/to?/to?/to?/to?/data", "is not reached after 5 redirects"),
    ],
)
def test_what_cannot_be_had_is_told(server, let_in, path, message):
    with pytest.raises(DataError, match=message):
        fetch(f"{server}/{path}", LIMITS)


@pytest.mark.parametrize("sized", ["", "sized"])
def test_a_server_that_sends_a_byte_now_and_then_is_left(server, let_in, sized):
    with pytest.raises(DataError, match="cannot be fetched: it took more than 0.3 s"):
        fetch(f"{server}/slow?{sized}", Fetching(seconds=0.3))


def test_a_redirect_from_https_to_http_is_not_followed(monkeypatch):
    monkeypatch.setattr(module, "_ask", lambda url, *_: "http://a.b/")
    with pytest.raises(DataError, match="https://a.b/ redirects from https to http, which is not followed"):
        fetch("https://a.b/", LIMITS)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://a.b/c", "a URL must be of http or https, but is 'ftp://a.b/c'. Fetch it yourself"),
        ("gopher://a.b", "of http or https"),
        ("http://me:word@a.b/", "a URL must be without a name and a password, but is 'http://a.b/'"),
        ("http://me@a.b/", "without a name and a password"),
        ("http:///path", "a URL must be whole, with a host and without blanks"),
        ("http://a.b/\r\nHost: c", "whole, with a host and without blanks"),
        ("http://[::1", "a URL must be whole, but is .* It is not: "),
        ("http://a.b:99999/", "a URL must be whole, .*[Pp]ort"),
        ("http://a.b/\ud800", r"whole, with a host and without blanks, but is .*ud800"),
        ("http://a.b/" + "c" * 300, None),
    ],
)
def test_a_url_that_is_none(url, message):
    if message is None:
        assert check_url(url).hostname == "a.b"
        return
    with pytest.raises(DataError, match=message):
        check_url(url)


def test_a_host_that_nobody_knows(monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(module.socket, "getaddrinfo", unknown)
    with pytest.raises(DataError, match="the host a.b is not known: .*Name or service not known"):
        public_addresses("a.b", 80)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"max_bytes": 0}, "at least 1 and at most"),
        ({"seconds": 0}, "at least 0.001 and at most"),
        ({"max_redirects": -1}, "at least 0 and at most"),
        ({"seconds": float("inf")}, "at least 0.001 and at most"),
        ({"seconds": float("nan")}, "at least 0.001 and at most"),
        ({"seconds": "30"}, "a number"),
        ({"max_bytes": 1.5}, "a whole number"),
        ({"max_redirects": None}, "a whole number"),
    ],
)
def test_limits_are_in_their_range(options, expected):
    (name,) = options
    with pytest.raises(ConfigError, match=f"fetching.{name} must be {expected}"):
        Fetching(**options)
