import base64
from pathlib import Path

import pytest

from unite.embedding.addresses import Address, address_of, data_of_uri, kind_of_uri, path_of_uri
from unite.errors import DataError

LONG = "a" * 300


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("photo.jpg", Address.file_name),
        ("PHOTO.JPG", Address.file_name),
        (r"C:\x.png", Address.file_name),
        (r"C:\my pictures\x.png", Address.file_name),
        ("./my pictures/x.png", Address.file_name),
        ("~/x y.mp4", Address.file_name),
        ("folder/clip.webm", Address.file_name),
        ("https://example.com/cat.jpg", Address.url),
        ("HTTP://example.com", Address.url),
        ("s3://bucket/cat", Address.url),
        ("file:///pictures/a b.png", Address.file),
        ("data:image/png;base64,AAAA", Address.data),
        ("data:image/png", Address.data),
        ("data:video/mp4,%00", Address.data),
        # Texts: of more than a name, or of a name that no file has.
        ("a photo of photo.jpg", None),
        ("the file is called photo.jpg", None),
        ("my photo.jpg", None),
        ("see https://example.com/cat.jpg", None),
        ("https://example.com is a site", None),
        ("data: what is known", None),
        ("data:image/png is a type", None),
        ("file: a tool", None),
        ("He weighs 3.5", None),
        ("3.5", None),
        ("v1.2.3", None),
        ("e.g.", None),
        ("a.\nb.png", None),
        ("a\0.png", None),
        (".png", None),
        ("", None),
        (f"{LONG}.png", None),
        ("/".join([LONG[:200]] * 30) + "/a.png", None),
    ],
)
def test_what_a_string_is_as_a_whole(text, expected):
    assert address_of(text) is expected


def test_a_file_that_is_there_is_one_whatever_its_kind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("my notes.txt", "my photo.jpg"):
        assert address_of(name) is None
        Path(name).touch()
        assert address_of(name) is Address.file_name


def test_a_file_uri_is_its_path():
    for uri in ("file:///pictures/a%20b.png", "file:/pictures/a%20b.png", "file://localhost/pictures/a%20b.png"):
        assert path_of_uri(uri) == Path("/pictures/a b.png")
    with pytest.raises(DataError, match="a file: URI must be of a file here: .*, but is 'file://server/a.png'"):
        path_of_uri("file://server/a.png")


def test_a_data_uri_is_its_bytes():
    data = bytes(range(256))
    uri = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    assert kind_of_uri(uri).word == "image" and data_of_uri(uri) == data
    assert kind_of_uri("data:VIDEO/mp4;codecs=x,%41b").word == "video" and data_of_uri("data:video/mp4;codecs=x,%41b") == b"Ab"


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("data:image/png;base64", "a data URI must be data:image/png;base64,<its bytes>, but is .* The comma is missing"),
        ("data:image/png;base64,a*b", "a data URI must be of whole base64 behind its comma, but is .* It is not: "),
        ("data:image/png;base64,abc", "a data URI must be of whole base64"),
        ("data:text/plain,abc", r"the type of a data URI must be one of image/\.\.\., video/\.\.\..*, but is 'text/plain'"),
        ("data:image/png;base64" + "A" * 99, r"but is 'data:image/png;base64A{39}\.\.\.'"),
    ],
)
def test_a_data_uri_that_is_none_is_refused(uri, message):
    with pytest.raises(DataError, match=message):
        kind_of_uri(uri)
        data_of_uri(uri)
