import time

import pytest

from tests.search.fake_searching import FakeSearching
from tests.search.server.running import running
from unite.search.server.limits import Limits
from unite.search.server.ranges import part_of
from unite.search.server.refusals import RefusalError
from unite.search.server.sending import Sending


def part():
    return part_of(b"abc", "image/png", None)


def test_what_is_being_sent_is_bounded_and_counted_until_it_is_gone():
    sending = Sending(10)
    large = sending.holding(part(), 30)  # alone
    with pytest.raises(RefusalError, match="MB of media are being sent. Try again in a second"):
        sending.check()
    del large
    small = [sending.holding(part(), 4) for _ in range(2)]
    with pytest.raises(RefusalError):
        sending.holding(part(), 4)
    small.pop()
    sending.holding(part(), 4)


def test_who_takes_a_medium_slowly_does_not_have_all_of_the_memory():
    class Large(FakeSearching):
        def media(self, id):
            return bytes(16_000_000), "video/mp4"

    limits = Limits(media_bytes=40_000_000)
    with running({"mine": Large()}, limits=limits) as server:
        slow = [server.raw() for _ in range(4)]
        for connection in slow:
            connection.sendall(b"GET /api/media/row-0 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert sorted(connection.recv(12) for connection in slow) == [b"HTTP/1.1 200"] * 2 + [b"HTTP/1.1 503"] * 2
        for connection in slow:
            connection.close()
        deadline = time.monotonic() + 20
        while server.ask("HEAD", "/api/media/row-0")[0] != 200 and time.monotonic() < deadline:
            time.sleep(0.02)
        for _ in range(4):
            assert len(server.ask("GET", "/api/media/row-0")[2]) == 16_000_000
