"""Media from the web, for whoever asks for it: within limits, and never from an address of one's own network.

A URL may come from a stranger, and whoever runs this may reach what the stranger cannot (a router, a cloud's metadata at 169.254.169.254).
So a host's name is resolved once, every address that it has must be a public one, and the connection is made to such an address, not to
the name again, which may mean another by then (DNS rebinding). Each redirect is a URL like the first. Proxies of the environment are not
used: they would resolve the name themselves. What it guards against: OWASP, "Server Side Request Forgery Prevention Cheat Sheet".
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from functools import cache
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from unite.errors import ConfigError, DataError, must_be

_PORTS = {"http": 80, "https": 443}
_REDIRECTS = (301, 302, 303, 307, 308)
_CHUNK = 1 << 16
#: IPv6 addresses that stand for an IPv4 one, its last 32 bits, at a translator (RFC 6052).
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
#: Not of the internet either, which `ipaddress` learned in later versions of Python or knows nothing of (IANA's registries of special
#: addresses): relays to IPv4 at a place that each network chooses (RFC 8215, RFC 7526), and what is routed within one network alone.
_NOT_PUBLIC = tuple(map(ipaddress.ip_network, ("192.88.99.0/24", "64:ff9b:1::/48", "100:0:0:1::/64", "3fff::/20", "5f00::/16")))
#: Characters of a path or query that are sent as they are; all others, as those of other alphabets, by their UTF-8.
_SENT = "!#$%&'()*+,/:;=?@[]~"
#: Characters of a URL, or of what a server says, that an error shows.
_SHOWN = 200


@dataclass(frozen=True)
class Fetching:
    """What fetching may take.

    Attributes:
        max_bytes: of a medium; what is larger is refused, before it is read where the server tells.
        seconds: until a medium is there, redirects included.
        max_redirects: from one URL to the next.
    """

    max_bytes: int = 256 << 20
    seconds: float = 30.0
    max_redirects: int = 5

    def __post_init__(self) -> None:
        limits = (("max_bytes", int, 1, 1 << 40), ("seconds", int | float, 1e-3, 10**6), ("max_redirects", int, 0, 100))
        for name, kind, least, most in limits:  # no timer of the system takes infinity
            given = getattr(self, name)
            if isinstance(given, bool) or not isinstance(given, kind):
                raise ConfigError(must_be(f"fetching.{name}", "a whole number" if kind is int else "a number", given))
            if not least <= given <= most:
                raise ConfigError(must_be(f"fetching.{name}", f"at least {least:g} and at most {most}", given))


def check_url(url: str) -> SplitResult:
    """Returns a URL's parts. Raises DataError if it is none that is fetched; nothing is asked of the network."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # out of range, or no number
    except ValueError as error:
        raise DataError(must_be("a URL", "whole", _shown(url), f"It is not: {error}.")) from error
    if parts.scheme not in _PORTS:
        raise DataError(must_be("a URL", "of http or https", _shown(url), "Fetch it yourself, and pass the file or its bytes."))
    if parts.username is not None or parts.password is not None:
        shown = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        raise DataError(must_be("a URL", "without a name and a password", _shown(shown), "Fetch it yourself, and pass the bytes."))
    if not parts.hostname or any(character <= " " or "\ud800" <= character <= "\udfff" for character in url):
        raise DataError(must_be("a URL", "whole, with a host and without blanks", ascii(_shown(url))[1:-1]))
    return parts


def fetch(url: str, limits: Fetching) -> bytes:
    """Returns what lies at a URL.

    Raises:
        DataError: if it cannot be had within the limits, or one of the hosts asked has an address that is not public.
    """
    ends = time.monotonic() + limits.seconds
    for _ in range(limits.max_redirects + 1):
        answer = _ask(url, limits, ends)
        if isinstance(answer, bytes):
            return answer
        if urlsplit(url).scheme == "https" and urlsplit(answer).scheme == "http":
            raise DataError(f"{_shown(url)} redirects from https to http, which is not followed.")
        url = answer
    raise DataError(f"{_shown(url)} is not reached after {limits.max_redirects} redirects.")


def public_addresses(host: str, port: int) -> list[str]:
    """Returns the addresses that a host's name has by now. Raises DataError if it has none, or one that is not public."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DataError(f"the host {host} is not known: {error}.") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        if not is_public(address):
            raise DataError(f"the host {host} has the address {address}, which is not public: media are fetched from public ones alone.")
    return addresses


def is_public(address: str) -> bool:
    """Whether an address is one of the internet's, and if it stands for an IPv4 one, that too."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if not ip.is_global or ip.is_multicast or any(ip in network for network in _NOT_PUBLIC):
        return False
    if isinstance(ip, ipaddress.IPv4Address):
        return True
    last = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    inner = (ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ()), last if ip in _NAT64 or int(ip) >> 32 == 0 else None)
    return not ip.is_site_local and all(is_public(str(one)) for one in inner if one is not None)


def _ask(url: str, limits: Fetching, ends: float) -> bytes | str:
    """Returns what lies at a URL, or where it redirects to."""
    parts = check_url(url)
    host = parts.hostname or ""
    port = parts.port or _PORTS[parts.scheme]
    connection = _Pinned(host, port, public_addresses(host, port), is_secure=parts.scheme == "https", ends=ends)
    watch = threading.Timer(max(ends - time.monotonic(), 0.0), connection.cut)  # a server may send a byte a second
    watch.daemon = True
    watch.start()
    try:
        path = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=_SENT)
        connection.request("GET", path, headers={"Accept-Encoding": "identity", "Accept": "image/*,video/*", "User-Agent": "unite"})
        response = connection.getresponse()
        if response.status in _REDIRECTS and response.headers.get("Location"):
            return urljoin(url, str(response.headers["Location"]))
        if response.status != http.client.OK:
            raise DataError(f"{_shown(url)} cannot be fetched: {response.status} {_said(response.reason)}.")
        data = _read(response, url, limits)
        if connection.is_cut:  # where the server tells no length, that looks like its end
            raise TimeoutError
        return data
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = f"it took more than {limits.seconds:g} s" if time.monotonic() >= ends else _said(str(error)) or type(error).__name__
        raise DataError(f"{_shown(url)} cannot be fetched: {why}.") from error
    finally:
        watch.cancel()
        connection.close()


def _read(response: http.client.HTTPResponse, url: str, limits: Fetching) -> bytes:
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise DataError(f"{_shown(url)} cannot be fetched: it is sent as {_said(encoding)}, which was not asked for.")
    too_large = must_be(_shown(url), f"at most fetching.max_bytes ({limits.max_bytes}) bytes large", "larger")
    if response.length is not None and response.length > limits.max_bytes:
        raise DataError(too_large)
    expected, data = response.length, bytearray()
    while chunk := response.read1(_CHUNK):
        data += chunk
        if len(data) > limits.max_bytes:
            raise DataError(too_large)
    if expected is not None and len(data) < expected:
        raise http.client.IncompleteRead(bytes(data[:0]), expected - len(data))
    return bytes(data)


class _Pinned(http.client.HTTPConnection):
    """A connection to one of these addresses, whatever the host's name means by now; over TLS the certificate must be the host's.

    Attributes:
        is_cut: whether its time was over.
    """

    def __init__(self, host: str, port: int, addresses: list[str], *, is_secure: bool, ends: float) -> None:
        super().__init__(host, port)
        self.default_port = _PORTS["https" if is_secure else "http"]  # another is told in the Host header
        self._addresses, self._is_secure, self._ends = addresses, is_secure, ends
        self.is_cut = False
        self._socket: socket.socket | None = None  # `sock` is None once a server has said that it closes

    def connect(self) -> None:
        """Connects to the first address that answers."""
        failed: OSError | None = None
        for address in self._addresses:
            try:
                self.sock = self._socket = socket.create_connection((address, self.port), timeout=max(self._ends - time.monotonic(), 1e-3))
                break
            except OSError as error:
                failed = error
        else:
            raise failed or OSError("the host has no address")
        if self._is_secure and not self.is_cut:
            self.sock = self._socket = _tls().wrap_socket(self.sock, server_hostname=self.host)
        if self.is_cut:  # whatever was cut then was not this socket
            raise TimeoutError

    def cut(self) -> None:
        """Ends it from another thread: whoever waits for it is told."""
        self.is_cut = True
        with contextlib.suppress(OSError):
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _shown(url: str) -> str:
    return url if len(url) <= _SHOWN else f"{url[:_SHOWN]}..."


def _said(text: str) -> str:
    """Returns what a server said, so that it cannot steer the terminal or the log that it is shown in."""
    return "".join(character if character.isprintable() else " " for character in text[:_SHOWN]).strip()
