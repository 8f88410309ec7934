"""Folders of frames as videos."""

import io
import os
import re
import tarfile

import numpy as np
import pytest
from PIL import Image

from unite.config.schema.media import Decoding
from unite.data.decode import decode_content
from unite.embedding.lazy import FileContent, FileContents
from unite.errors import DataError
from unite.media import fault_of, kind_of
from unite.media.video.frame_folder import frames_of, pack
from unite.types import Modality

VIDEO = kind_of(Modality.VIDEO)


def folder(root, numbers, name="frame_{:04d}.jpg", size=(16, 12)):
    """Frames as grey as their place among them."""
    root.mkdir(parents=True, exist_ok=True)
    for place, number in enumerate(numbers):
        Image.new("RGB", size, (3 * place,) * 3).save(root / name.format(number), quality=95)
    return root


def seen(path, **decoding):
    """What the encoder sees of a folder."""
    rule = Decoding(**decoding)
    return VIDEO.decode(VIDEO.read(path, rule)[0], rule)


def greys(medium):
    return [round(frame.mean() / 3) for frame in medium.frames]


@pytest.mark.parametrize("num", [1, 3, 7, 8, 9, 20, 37, 63, 64])
def test_frames_are_taken_as_the_published_code_takes_them(num, tmp_path):
    medium = seen(folder(tmp_path / "v", range(1, num + 1)), min_frames=1, max_frames=8)
    wanted = list(range(num)) if num < 8 else np.linspace(0, num - 1, 8, dtype=int).tolist()
    assert greys(medium) == wanted
    assert medium.seconds == tuple(0.5 * place for place in range(len(wanted))) and medium.frame_gap == 0.5


def test_the_rule_of_films_does_not_count(tmp_path):
    path = folder(tmp_path / "v", range(6))
    assert greys(seen(path, fps=0.1, min_frames=1, max_frames=8)) == [0, 1, 2, 3, 4, 5]


def test_numbers_count_as_such_and_what_is_no_picture_is_passed_over(tmp_path):
    path = folder(tmp_path / "v", range(12), "frame{}.JPEG")
    for name in ("notes.txt", "._frame3.JPEG", "Thumbs.db", "frames.json"):
        (path / name).write_text("no picture")
    assert [file.name for file in frames_of(path)] == [f"frame{number}.JPEG" for number in range(12)]
    assert greys(seen(path)) == list(range(12)) and fault_of(path) == ""


@pytest.mark.parametrize(
    ("numbers", "name", "fault"),
    [
        ((), "", "an empty folder"),
        ((0, 1, 3), "{:04d}.jpeg", "without frame 2"),
        ((1, 2, 6, 7, 8, 10), "frame_{:04d}.jpg", "without frame 3 to 5, 9"),
        ((0, 24, 48, 71), "{}.png", ""),  # numbers of the original
        ((7, 8, 9), "take2_{}.jpg", ""),  # a part of a longer film
        ((3,), "{}.jpg", ""),
        (("1_8", "1_9", "1_10", "2_14", "2_15"), "shot_{}.jpg", ""),  # each is counted for itself
        (("1_8", "1_10", "1_11", "2_14", "2_15"), "shot_{}.jpg", "without frame 9"),
    ],
)
def test_what_is_missing_in_a_folder_is_told(numbers, name, fault, tmp_path):
    assert fault_of(folder(tmp_path / "v", numbers, name)) == fault


def test_a_folder_without_frames_is_refused_by_name(tmp_path):
    path = folder(tmp_path / "v", ())
    (path / "video.mp4").write_bytes(b"x")
    assert fault_of(path) == "a folder without .jpg, .jpeg, .png" and fault_of(tmp_path / "none") == "not there"
    with pytest.raises(DataError, match=r"v is a folder without \.jpg, \.jpeg, \.png: it must hold the frames of a video"):
        VIDEO.read(path, Decoding())


def test_a_broken_frame_is_named_by_its_path(tmp_path):
    path = folder(tmp_path / "v", range(4))
    (path / "frame_0002.jpg").write_bytes((path / "frame_0002.jpg").read_bytes()[:200])
    contents = FileContents([FileContent(media=((Modality.VIDEO, path),))], ["query q0"], Decoding())
    with pytest.raises(DataError, match=rf"query q0 \({re.escape(str(path))}\).*the frame frame_0002\.jpg cannot be decoded"):
        contents[0].decode()
    (path / "frame_0002.jpg").unlink()
    with pytest.raises(DataError, match="the frame frame_0000.jpg must be at most 100 pixels, but is '16 x 12'"):
        seen(path, max_pixels=100)


def test_frames_of_another_size_become_as_large_as_the_first_and_are_told(tmp_path, caplog):
    path = folder(tmp_path / "v", range(4))
    Image.new("RGB", (40, 40), (90,) * 3).save(path / "frame_0002.jpg")
    contents = FileContents([FileContent(media=((Modality.VIDEO, path),))], ["query q0"], Decoding())
    medium = decode_content(contents[0].stored, Decoding(), "query q0").media[0]
    assert medium.frames.shape == (4, 12, 16, 3) and greys(medium) == [0, 1, 30, 3]
    assert "the video of query q0 has frames of another size than its first, which are brought to that: frame_0002.jpg" in caplog.text


def test_a_folder_is_known_without_being_read_and_by_the_frames_that_are_taken(tmp_path):
    path = folder(tmp_path / "v", range(64))
    keys = [FileContent(media=((Modality.VIDEO, path),)).key(Decoding(min_frames=1, max_frames=num)) for num in (8, 8, 4)]
    assert keys[0] == keys[1] != keys[2]
    taken = path / "frame_0027.jpg"
    os.utime(taken, ns=(1, 1))
    assert FileContent(media=((Modality.VIDEO, path),)).key(Decoding(min_frames=1, max_frames=8)) != keys[0]
    assert VIDEO.size(path) == 64


def test_equal_frames_are_equal_contents(tmp_path):
    one, other = (folder(tmp_path / name, range(9)) for name in "ab")
    os.utime(other / "frame_0003.jpg", ns=(1, 1))
    assert pack(one, Decoding()) == pack(other, Decoding())
    assert seen(one).fingerprint == seen(other).fingerprint != seen(one, max_frames=4).fingerprint


def packed(*members, **pax):
    """A tar as somebody else makes it: of (name, bytes), or (name, kind, what a link names)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, pax_headers=pax or None) as archive:
        for name, *rest in members:
            member, data = tarfile.TarInfo(name), rest[0] if len(rest) == 1 else b""
            member.size = len(data)
            if len(rest) == 2:
                member.type, member.linkname = rest
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def test_of_a_tar_that_somebody_else_packed_no_more_frames_are_decoded_than_of_a_folder(tmp_path):
    path = folder(tmp_path / "v", range(60))
    whole = packed(*((frame.name, frame.read_bytes()) for frame in frames_of(path)))
    assert np.array_equal(VIDEO.decode(whole, Decoding()).frames, seen(path).frames)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (packed(("a.png", tarfile.SYMTYPE, "a.png")), "the frame a.png must be a plain file"),  # it names itself
        (packed(("a.png", tarfile.SYMTYPE, "/etc/passwd")), "the frame a.png must be a plain file"),
        (packed(("a.png", tarfile.LNKTYPE, "b.png")), "the frame a.png must be a plain file"),
        (packed(("a", tarfile.DIRTYPE, "")), "the frame a must be a plain file"),
        (packed(("a.png", b"text")), "the frame a.png cannot be decoded"),
        (packed(("a.png", b"text"))[:700], "the frames of a video cannot be read .unexpected end of data"),
        (packed(comment="nothing"), "the frames of a video cannot be read .end of file header"),
    ],
)
def test_a_tar_that_holds_something_else_is_refused(data, message):
    with pytest.raises(DataError, match=message):
        VIDEO.decode(data, Decoding())
