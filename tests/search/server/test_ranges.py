"""Ranges of bytes, against what starlette answers for the same bytes in a file."""

import pytest
from starlette.applications import Starlette
from starlette.responses import FileResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from unite.search.server.ranges import part_of

DATA = bytes(range(256)) * 4


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    path = tmp_path_factory.mktemp("media") / "clip.webm"
    path.write_bytes(DATA)

    async def ours(request):
        return part_of(DATA, "video/webm", request.headers.get("range"))

    async def theirs(request):
        return FileResponse(path, media_type="video/webm")

    return TestClient(Starlette(routes=[Route("/ours", ours), Route("/theirs", theirs)]))


@pytest.mark.parametrize("asked", ["0-", "0-0", "5-99", "1000-5000", "1023-", "-10", "1024-", "4000-5000"])
def test_a_player_gets_what_it_asks_for(client, asked):
    ours, theirs = (client.get(path, headers={"Range": f"bytes={asked}"}) for path in ("/ours", "/theirs"))
    assert ours.status_code == theirs.status_code
    if ours.status_code == 206:
        assert ours.content == theirs.content
        assert ours.headers["content-range"] == theirs.headers["content-range"]
        assert ours.headers["content-length"] == theirs.headers["content-length"]
    else:
        assert (ours.status_code, ours.headers["content-range"]) == (416, "bytes */1024")


@pytest.mark.parametrize(
    "asked", [None, "", "bytes=-", "bytes=9-5", "lines=0-5", "bytes=0-5,9-12", "bytes=a-b", f"bytes={'9' * 5000}-", f"bytes=-{'9' * 5000}"]
)
def test_anything_else_gets_the_whole(client, asked):
    answer = client.get("/ours", headers={} if asked is None else {"Range": asked})
    assert (answer.status_code, answer.content) == (200, DATA)
    assert answer.headers["accept-ranges"] == "bytes"


def test_the_last_of_more_than_there_is_is_the_whole(client):
    answer = client.get("/ours", headers={"Range": "bytes=-5000"})
    assert (answer.status_code, answer.content) == (206, DATA)


def test_a_picture_with_scripts_runs_none(client):
    policy = client.get("/ours").headers
    assert "default-src 'none'" in policy["content-security-policy"] and "sandbox" in policy["content-security-policy"]
    assert policy["x-content-type-options"] == "nosniff"
