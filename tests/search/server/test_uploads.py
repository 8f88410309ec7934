"""Also what an encoder's reader makes of it: `unite.embedding.items`."""

import struct
import tempfile
import zlib
from pathlib import Path

import httpx
import numpy as np
import pytest
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.search.fake_searching import FakeSearching
from tests.search.media_files import base64_of, clip, picture, uri
from tests.search.reading_searching import ReadingSearching
from tests.search.server.running import running
from unite.config.schema.media import Decoding
from unite.embedding.items import GivenItem
from unite.embedding.medium import Reading
from unite.media import kind_of
from unite.search.server.limits import Limits
from unite.search.server.refusals import RefusalError
from unite.search.server.uploads import item, read_form, upload_of_bytes, upload_of_string
from unite.types import Modality

IMAGE, VIDEO = kind_of(Modality.IMAGE), kind_of(Modality.VIDEO)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
#: Playlists and lists of files, by which ffmpeg would open others.
LISTS = (
    b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    b"ffconcat version 1.0\nfile /etc/passwd\n",
    b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 1 RTP/AVP 96\n",
)


@pytest.fixture(scope="module")
def server():
    async def tell(request):
        form = await read_form(request)
        uploads = [[one.field, one.name, one.kind.word, len(one.data)] for one in form.uploads]
        return JSONResponse({"fields": dict(form.fields), "uploads": uploads, "first": form.first("a", "none"), "all": form.all("a")})

    limits = Limits(files=3, fields=4, field_bytes=1000, body_bytes=4_000_000)
    with running({"mine": FakeSearching()}, limits=limits, routes=[Route("/tell", tell, methods=["POST"])]) as server:
        yield server


def send(server, **form):
    return httpx.post(f"{server.url}/tell", timeout=20, **form)


def test_a_form_with_files(server):
    png, mp4 = picture(), clip()
    answer = send(
        server, data={"a": ["1", "", "2"]}, files=[("file", ("../../etc/x.png", png)), ("video", ("b", mp4)), ("file", ("empty", b""))]
    )
    assert answer.json() == {
        "fields": {"a": ["1", "", "2"]},
        "uploads": [["file", "../../etc/x.png", "image", len(png)], ["video", "b", "video", len(mp4)]],
        "first": "1",
        "all": ["1", "2"],
    }
    assert send(server, data={"b": "ü&<"}).json()["fields"] == {"b": ["ü&<"]}


@pytest.mark.parametrize(
    ("form", "status", "told"),
    [
        ({"files": [("file", ("a.svg", SVG, "image/svg+xml"))]}, 415, "a.svg must be the bytes of image"),
        ({"files": [("file", ("a.html", b"<script>", "text/html"))]}, 415, "an image or a video"),
        ({"files": [("file", ("a.mp4", LISTS[0], "video/mp4"))]}, 415, "the bytes of video"),
        ({"files": [("file", ("a.png", clip(), "image/png"))]}, 415, "the bytes of image"),
        ({"files": [("file", ("a.png", picture()))] * 4}, 400, "Too many files"),
        ({"data": {str(place): "a" for place in range(5)}}, 400, "Too many fields"),
        ({"data": {"a": "a" * 1001}}, 400, "exceeded maximum size"),
        ({"files": [("a", (None, "a" * 1001))]}, 400, "exceeded maximum size"),
        ({"json": {}}, 415, "multipart/form-data or application/x-www-form-urlencoded"),
        ({"content": b"nothing", "headers": {"content-type": "multipart/form-data"}}, 400, "Missing boundary"),
        ({"content": b"nothing", "headers": {"content-type": "multipart/form-data; boundary=x"}}, 400, "cannot be read"),
        ({"content": b"--x\r\nA: b\r\n\r\n\r\n--x--", "headers": {"content-type": "multipart/form-data; boundary=x"}}, 400, "name"),
    ],
)
def test_forms_that_are_refused(server, form, status, told):
    answer = send(server, **form)
    assert answer.status_code == status
    assert told in answer.json()["error"]["message"]


def test_nothing_of_an_upload_is_written(server, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not there"))  # whoever wants a temporary file gets an error
    large = picture(form="BMP", size=(1000, 1000))  # 3 MB: above what the parser keeps in memory by itself
    assert send(server, files=[("file", ("large.bmp", large))]).json()["uploads"][0][3] == len(large)
    assert send(server, files=[("file", ("large.bmp", large)), ("file", ("a.html", b"<script>"))]).status_code == 415
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_the_kind_is_what_the_bytes_tell(form):
    assert upload_of_bytes(picture(form=form)).kind is IMAGE
    assert upload_of_string(base64_of(picture(form=form)), "image").kind is IMAGE


def test_a_clip():
    assert upload_of_bytes(clip()).kind is VIDEO
    assert upload_of_string(uri(clip(), "video/mp4"), "video").kind is VIDEO
    assert upload_of_string(uri(picture(form="GIF"), "image/gif"), "video", VIDEO).kind is VIDEO  # an animation, where a video is asked for


@pytest.mark.parametrize("data", [*LISTS, SVG, b"%!PS-Adobe-3.0 EPSF-3.0", b"", b"<html>", b"PK\x03\x04", b"%PDF-1.4", b"\x7fELF"])
@pytest.mark.parametrize("kind", [None, IMAGE, VIDEO])
def test_other_files(data, kind):
    with pytest.raises(RefusalError, match="must be the bytes of") as refusal:
        upload_of_bytes(data, "file", kind=kind)
    assert refusal.value.status == 415


@pytest.mark.parametrize(
    "value",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://example.com/a.png",
        "file:///etc/passwd",
        "FILE:/etc/passwd",
        "/etc/passwd",
        "../../a.png",
        "a.png",
        "data:image/png;base64,@@@",
        "data:image/png;base64",
        "data:text/html,<script>",
        "ftp://a/b",
        "gopher://a",
        "",
    ],
)
def test_no_address_is_followed_and_no_file_opened(value, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(picture())
    with pytest.raises(RefusalError) as refusal:
        upload_of_string(value, "parts[0].image", IMAGE)
    assert refusal.value.status in (400, 415)


@pytest.mark.parametrize("text", ["photo.png", "/etc/passwd", "https://example.com/a.png", "file:///a.png", uri(picture())])
def test_a_text_is_a_text_whatever_it_looks_like(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("photo.png").write_bytes(picture())
    given = GivenItem(item(text), Reading(allow_urls=True), "it")
    assert given.media == []
    assert given.read().text == text


def test_an_item_as_the_reader_takes_it():
    uploads = [upload_of_bytes(picture()), upload_of_bytes(clip()), upload_of_bytes(picture(form="JPEG"))]
    read = GivenItem(item("make it blue", uploads, "Find it."), Reading(), "it").read()
    assert (read.text, read.instruction) == ("make it blue", "Find it.")
    assert [(str(medium.modality), medium.data) for medium in read.media] == [
        ("image", uploads[0].data),
        ("image", uploads[2].data),
        ("video", uploads[1].data),
    ]
    with pytest.raises(RefusalError, match="a part must be a text, a medium or both"):
        item("  ")


# What the reader that reads everything makes of hostile files, by way of a server.


def png_of(width, height) -> bytes:
    """A PNG of so many pixels, all black, in a few bytes for each thousand of them."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = zlib.compress(b"\0" * (width // 8 + 2) * height, 9)
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def reading():
    with running({"mine": ReadingSearching(Decoding(max_pixels=10_000, max_video_frames=10))}) as server:
        yield server


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (png_of(20_000, 20_000), "the bytes of"),  # 400 million pixels in 49 kB, of which Pillow itself reads no more than the head
        (png_of(10_000, 10_000), "at most 10000 pixels, but is '10000 x 10000'"),
        (picture(size=(200, 100)), "at most 10000 pixels, but is '200 x 100'"),
        (picture(size=(50, 50))[:60], "cannot be decoded"),
        (clip(num_frames=11), "10"),
        (clip()[:700], ""),
    ],
    ids=["larger bomb", "bomb", "too large", "cut", "too long", "no index"],
)
def test_bombs_and_broken_files_are_refused_and_the_next_is_answered(reading, file, told):
    for answer in (
        httpx.post(f"{reading.url}/api/search", files=[("file", ("a", file))], timeout=20),
        httpx.post(f"{reading.url}/v1/embeddings", json={"input": ["a", part_of(file)]}, timeout=20),
    ):
        assert answer.status_code in (400, 415)
        assert told in answer.json()["error"]["message"]
    assert httpx.post(f"{reading.url}/api/search", files=[("file", ("a", picture()))], timeout=20).status_code == 200


def part_of(file):
    kind = "image" if file[:4] == b"\x89PNG" else "video"
    return {"type": f"{kind}_url", f"{kind}_url": {"url": base64_of(file)}}


def test_media_are_embedded_as_the_reader_reads_them(reading):
    files = [picture(), clip(), picture(form="JPEG", size=(30, 20))]
    answer = httpx.post(
        f"{reading.url}/v1/embeddings", json={"input": [part_of(files[0]), part_of(files[1]), uri_part(files[2])]}, timeout=20
    )
    items = [{"image": files[0]}, {"video": files[1]}, {"image": files[2]}]
    expected = reading.app.state.service.searcher().embed(items)
    np.testing.assert_array_equal(np.asarray([one["embedding"] for one in answer.json()["data"]], np.float32), expected)


def uri_part(file):
    return {"type": "image_url", "image_url": {"url": uri(file, "image/jpeg")}}
