import json
from urllib.parse import quote

import pytest

from tests.search.fake_searching import FakeSearching
from tests.search.server.running import running
from unite.search.hits import Hit

ODD = "shards/../a-000.tar#key/with space\n& ü?.jpg"
SCRIPT = b"<script>alert(1)</script>"


@pytest.fixture(scope="module")
def server():
    mine = FakeSearching()
    mine.rows[ODD] = Hit(ODD, 1.0, "a.tar", "text+image", SCRIPT.decode())
    mine.files = {"row-0": (bytes(range(200)) * 1000, "video/mp4"), ODD: (SCRIPT, "text/html"), "row-1": (b"<svg/>", "image/svg+xml")}
    with running({"mine": mine, "other": FakeSearching(["one"])}) as server:
        yield server


def test_what_there_is(server):
    status, _, body = server.ask("GET", "/api/corpora")
    assert status == 200
    first, second = json.loads(body)["corpora"]
    assert first == {"name": "mine", "encoder": "fake", "num_rows": 3, "modalities": ["text", "image"], "columns": {"price": "int64"}}
    assert second["num_rows"] == 1


def test_a_row_by_an_id_of_any_letters(server):
    status, headers, body = server.ask("GET", f"/api/rows/{quote(ODD, safe='')}")
    assert (status, headers["content-type"]) == (200, "application/json")  # a caption's script is in no page
    row = json.loads(body)
    assert (row["id"], row["score"], row["text"]) == (ODD, 1.0, SCRIPT.decode())
    assert server.ask("GET", row["media"])[2] == SCRIPT  # the path that it tells
    assert row["thumbnail"] is None
    assert json.loads(server.ask("GET", "/api/rows/row-0?model=other")[2])["text"] == "one"


@pytest.mark.parametrize(
    "path",
    ["../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "/etc/passwd", "%00", "row-0%00", "nowhere", ""],
)
@pytest.mark.parametrize("route", ["rows", "thumbnails", "media"])
def test_an_id_is_no_path(server, route, path):
    status, _, body = server.ask("GET", f"/api/{route}/{path}")
    assert status == 404
    assert b"root:" not in body


@pytest.mark.parametrize(("route", "id"), [("thumbnails", quote(ODD, safe="")), ("rows", "row-1?model=other"), ("media", "row-0?model=x")])
def test_what_a_row_has_not(server, route, id):
    assert server.ask("GET", f"/api/{route}/{id}")[0] == 404


def test_a_thumbnail(server):
    status, headers, body = server.ask("GET", "/api/thumbnails/row-0")
    assert (status, headers["content-type"], body) == (200, "image/jpeg", b"\xff\xd8thumb")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"].startswith("private")


def test_what_a_browser_could_run_is_saved_in_place_of_shown(server):
    for id in (quote(ODD, safe=""), "row-1"):
        _, headers, _ = server.ask("GET", f"/api/media/{id}")
        assert headers["content-type"] == "application/octet-stream"
        assert headers["content-disposition"] == "attachment"
        assert "sandbox" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("asked", "status", "span"),
    [
        ("", 200, (0, 200_000)),
        ("bytes=0-", 206, (0, 200_000)),
        ("bytes=10-19", 206, (10, 20)),
        ("bytes=199990-999999", 206, (199_990, 200_000)),
        ("bytes=-5", 206, (199_995, 200_000)),
        ("bytes=-999999", 206, (0, 200_000)),
        ("bytes=0-1,5-6", 200, (0, 200_000)),
        ("rows=0-1", 200, (0, 200_000)),
        ("bytes=-", 200, (0, 200_000)),
        ("bytes=20-10", 200, (0, 200_000)),
        ("bytes=" + "9" * 5000 + "-", 200, (0, 200_000)),
    ],
)
def test_the_part_that_a_player_asks_for(server, asked, status, span):
    whole = bytes(range(200)) * 1000
    found, headers, body = server.ask("GET", "/api/media/row-0", **({"range": asked} if asked else {}))
    assert (found, body) == (status, whole[slice(*span)])
    assert (headers["content-type"], headers["accept-ranges"]) == ("video/mp4", "bytes")
    assert headers.get("content-range") == (f"bytes {span[0]}-{span[1] - 1}/200000" if status == 206 else None)


@pytest.mark.parametrize("asked", ["bytes=200000-", "bytes=-0"])
def test_a_part_that_is_not_there(server, asked):
    status, headers, _ = server.ask("GET", "/api/media/row-0", range=asked)
    assert (status, headers["content-range"]) == (416, "bytes */200000")


def test_its_size_without_it(server):
    status, headers, body = server.ask("HEAD", "/api/media/row-0")
    assert (status, headers["content-length"], body) == (200, "200000", b"")
