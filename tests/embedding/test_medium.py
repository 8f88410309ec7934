"""Each form of a medium as its file is decoded; what is none is told with its name."""

import base64
import io
import os

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from tests.media.material import clip, encoded, photograph
from unite.config.schema.media import Decoding
from unite.data.decode import decode_medium
from unite.embedding import medium as module
from unite.embedding.fetch import Fetching
from unite.embedding.medium import GivenMedium, Reading
from unite.errors import DataError
from unite.media import kind_of
from unite.types import Modality

IMAGE, VIDEO = kind_of(Modality.IMAGE), kind_of(Modality.VIDEO)
PNG = encoded(photograph(0, 40, 30), "PNG")
PIXELS = np.asarray(photograph(0, 40, 30))


def decoded(given, kind=None, reading=None):
    reading = reading or Reading()
    return decode_medium(GivenMedium.of(given, kind, "it", reading).read(reading), reading.decoding)


@pytest.fixture
def files(tmp_path):
    (tmp_path / "a b.png").write_bytes(PNG)
    (tmp_path / "no suffix").write_bytes(PNG)
    (tmp_path / "a.mp4").write_bytes(clip(8, 8))
    return tmp_path


def test_every_form_of_an_image_gives_its_pixels(files):
    uri = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    alone = (
        files / "a b.png",
        (files / "a b.png").as_uri(),
        uri,
        PNG,
        bytearray(PNG),
        memoryview(PNG),
        photograph(0, 40, 30),
        PIXELS,
        PIXELS.transpose(2, 0, 1),
        torch.from_numpy(PIXELS.transpose(2, 0, 1).copy()),
    )
    asked_for = (*alone, str(files / "a b.png"), str(files / "no suffix"), files / "no suffix")
    for forms, kind in ((alone, None), (asked_for, IMAGE)):
        for form in forms:
            medium = decoded(form, kind)
            assert medium.modality is Modality.IMAGE and np.array_equal(medium.frames[0], PIXELS), type(form)


def test_every_form_of_a_video_gives_its_frames(files):
    data = (files / "a.mp4").read_bytes()
    expected = decoded(files / "a.mp4")
    uri = f"data:video/mp4;base64,{base64.b64encode(data).decode()}"
    for form, kind in ((data, None), (uri, None), (files / "a.mp4", VIDEO), (str(files / "a.mp4"), VIDEO), (data, VIDEO)):
        medium = decoded(form, kind)
        assert medium.modality is Modality.VIDEO and np.array_equal(medium.frames, expected.frames)
        assert medium.fingerprint == expected.fingerprint and medium.seconds == expected.seconds


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "PA", "CMYK", "YCbCr", "HSV", "LAB", "I;16"])
def test_an_image_of_any_mode_is_what_its_file_would_be(mode):
    picture = photograph(0, 40, 30).convert("L").convert("I;16") if mode == "I;16" else photograph(0, 40, 30)
    picture = picture if mode == "I;16" else picture.convert("RGBA").convert(mode) if mode in ("LA", "PA") else picture.convert(mode)
    pixels = decoded(picture).frames[0]
    assert pixels.shape == (30, 40, 3)
    if mode in ("1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "I;16"):
        file = io.BytesIO()
        picture.save(file, "TIFF" if mode == "CMYK" else "PNG")
        assert np.array_equal(pixels, decoded(file.getvalue()).frames[0])


def test_a_picture_that_lies_on_its_side_is_turned(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    photograph(0, 120, 60).save(tmp_path / "portrait.jpg", exif=exif)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / "portrait.jpg")))
    for form in (tmp_path / "portrait.jpg", (tmp_path / "portrait.jpg").read_bytes(), Image.open(tmp_path / "portrait.jpg")):
        assert np.array_equal(decoded(form).frames[0], upright)


def test_transparent_pixels_of_an_array_show_white():
    rgba = np.dstack([PIXELS, np.zeros(PIXELS.shape[:2], np.uint8)])
    assert (decoded(rgba).frames == 255).all()


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        (5, None, "it must be a Path, bytes, a Pillow image, an array or a list of frames, but is 'int'"),
        (None, IMAGE, "it must be a Path, the name of a file, bytes, a Pillow image or an array, but is 'NoneType'"),
        (photograph(), VIDEO, "it must be a Path, the name of a file, bytes, an array of 4 axes or a list of frames, but is 'Image'"),
        ([photograph()], IMAGE, "it must be a Path, .* or an array, but is 'list'"),
        ([["one.png"]], IMAGE, "it must be a Path, .*, but is 'list'"),
        (b"", None, "it must be a file's bytes, but is '0 bytes'"),
        (b"nothing known", None, r"it must be the bytes of an image or a video, but is .13 bytes that begin with b'nothing know'"),
        (b"nothing known", IMAGE, r"the image cannot be decoded \(cannot identify image file\)"),
        (b"nothing known", VIDEO, "the video cannot be decoded"),
        (encoded(photograph(), "JPEG")[:-900], None, "the image cannot be decoded .*truncated"),
        (PIXELS[None], IMAGE, r"it must be an array of 3 axes, but is 'of shape \(1, 30, 40, 3\)'"),
        (PIXELS, VIDEO, r"it must be an array of 4 axes, but is 'of shape \(30, 40, 3\)'"),
        (PIXELS[..., 0], None, r"it must be plainly an image, but is 'an array of shape \(30, 40\)'. Of grey say {'image': array}"),
        (PIXELS / 255, None, "it must be of dtype uint8"),
        (np.full((4, 4, 3), np.nan), None, "It holds NaN"),
        (Image.new("F", (9, 9)), None, "it, a Pillow image of mode F, cannot be shown: .*without a range"),
        (Image.new("RGB", (8001, 8000)), None, "it must be at most 64000000 pixels, but is '8001 x 8000'. Raise decoding.max_pixels"),
        (encoded(Image.new("1", (8001, 8000)), "PNG"), None, "an image must be at most 64000000 pixels, but is '8001 x 8000'"),
        ("data:image/png;base64,a*b", None, "it: a data URI must be of whole base64"),
        ("data:image/png", None, "it: a data URI must be data:image/png;base64,<its bytes>"),
        ("data:audio/wav;base64,AAAA", None, "it: the type of a data URI must be one of"),
        ("data:image/png;base64,AAAA", None, "the image cannot be decoded"),
        ("data:image/png;base64,", None, "it must be a file's bytes, but is '0 bytes'"),
        ("file://server/a.png", None, "it: a file: URI must be of a file here"),
        ("https://a.b/c.png", IMAGE, "it must be of this machine, but is 'https://a.b/c.png'. URLs are fetched with allow_urls=True"),
        ("ftp://a.b/c.png", IMAGE, "it: a URL must be of http or https"),
        ("https://me:word@a.b/c.png", IMAGE, "it: a URL must be without a name and a password, but is 'https://a.b/c.png'"),
        ("one\0.png", IMAGE, "it cannot be read: embedded null byte"),
        ("gone.png", IMAGE, "it cannot be read: .*No such file.*gone.png"),
    ],
)
def test_what_is_no_medium_is_told(given, kind, message):
    with pytest.raises(DataError, match=message):
        decoded(given, kind)


def test_frames_are_a_video_in_every_form(tmp_path):
    """A list, an array and a folder give the same; at most `max_frames`, half a second apart; a frame of another size is brought to it."""
    frames = [photograph(seed, 40, 30) for seed in range(7)]
    for number, frame in enumerate(frames):
        frame.save(tmp_path / f"{number}.png")
    array = np.stack([np.asarray(frame) for frame in frames])
    reading = Reading(decoding=Decoding(max_frames=3, min_frames=1))
    tensor = torch.from_numpy(array.transpose(0, 3, 1, 2).copy())
    forms = (frames, tuple(frames), list(array), [frames[0], *array[1:]], list(tensor), array, tensor, array.transpose(0, 3, 1, 2))
    for form in (*forms, tmp_path):
        for kind in (None, VIDEO):
            medium = decoded(form, kind, reading)
            assert medium.modality is Modality.VIDEO and medium.seconds == (0.0, 0.5, 1.0)
            assert np.array_equal(medium.frames, array[[0, 3, 6]])
    assert decoded(str(tmp_path), VIDEO, reading).frames.shape == (3, 30, 40, 3)
    assert decoded([photograph(0, 40, 30), photograph(0, 80, 60)]).frames.shape == (2, 30, 40, 3)
    assert decoded([photograph(0, 40, 30)]).modality is Modality.VIDEO
    for form, message in (
        ([photograph(), Image.new("F", (9, 9))], "frame 1 of it, a Pillow image of mode F, cannot be shown"),
        ([photograph(), PIXELS / 255], "frame 1 of it must be of dtype uint8"),
        ([Image.new("RGB", (8001, 8000))], "frame 0 of it must be at most 64000000 pixels"),
        ([photograph(), "a.png"], "it must be a Path, .* or a list of frames, but is 'list'"),
        ([], "it must be a Path, .* or a list of frames, but is 'list'"),
    ):
        with pytest.raises(DataError, match=message):
            decoded(form)


def test_a_file_that_cannot_be_read_is_told(files):
    os.mkfifo(files / "pipe.png")  # to open it would wait for ever
    (files / "empty.png").touch()
    (files / "empty").mkdir()
    for name, message in {
        "gone.png": "it cannot be read: .*No such file.*gone.png",
        "no suffix": "it must be a file whose suffix tells one of image, video.*, but is .*no suffix'. Say {'image': path}",
        "pipe.png": "it must be a file, or a folder of the frames of a video, but is '.*pipe.png, a device or a pipe'",
        "empty.png": "the image must be a .png file with content, but is '0 bytes long'",
        "empty": "it must be a file, or a folder of the frames of a video, but is '.*empty, an empty folder'",
    }.items():
        with pytest.raises(DataError, match=message):
            decoded(files / name)
    with pytest.raises(DataError, match="it must be a file, .*, but is '.*, a folder'"):
        decoded(files, IMAGE)


def test_a_url_is_fetched_where_that_is_allowed(monkeypatch):
    limits, asked = Fetching(max_bytes=5), []
    monkeypatch.setattr(module, "fetch", lambda url, given: asked.append((url, given)) or PNG)
    reading = Reading(allow_urls=True, fetching=limits, decoding=Decoding())
    for kind in (None, IMAGE):
        assert np.array_equal(decoded("https://a.b/c", kind, reading).frames[0], PIXELS)
    assert asked == [("https://a.b/c", limits)] * 2
    page = b"<!doctype html><title>Not a picture</title>"
    monkeypatch.setattr(module, "fetch", lambda *_: page)
    with pytest.raises(DataError, match="it must be the bytes of an image or a video, but is .43 bytes that begin with b'<!doctype ht"):
        decoded("https://a.b/c", None, reading)
