import os

import numpy as np
import pytest

from tests.media.material import Shapeless, encoded, image_medium, load, photograph, video_medium
from unite.config.schema.media import MediaPolicy
from unite.errors import SkippedRowError
from unite.media.ready import RawMedium
from unite.types import Modality


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (RawMedium(Modality.IMAGE, data=b""), "empty file"),
        (RawMedium(Modality.IMAGE, "nowhere.jpg"), "missing file"),
        (RawMedium(Modality.IMAGE, "a\0b.jpg"), "missing file"),
        (RawMedium(Modality.IMAGE, "/dev/zero"), "missing file"),
        (RawMedium(Modality.VIDEO, data=b""), "empty file"),
        (RawMedium(Modality.VIDEO, "nowhere.mp4"), "missing file"),
    ],
)
def test_what_cannot_be_used_is_named_by_reason(raw, reason):
    with pytest.raises(SkippedRowError) as skipped:
        load(raw).ready  # noqa: B018
    assert skipped.value.reason == reason


def test_a_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "endless.mp4")
    with pytest.raises(SkippedRowError, match="missing file: .* is no regular file"):
        load(RawMedium(Modality.VIDEO, str(tmp_path / "endless.mp4"))).ready  # noqa: B018


@pytest.mark.parametrize("raw", [image_medium(), video_medium()])
def test_a_file_above_the_limit_is_left_out(raw):
    with pytest.raises(SkippedRowError, match=r"file too large: .* bytes, more than 1000"):
        load(raw, max_source_bytes=1000).ready  # noqa: B018


def test_a_file_that_may_not_be_read_is_left_out(tmp_path, monkeypatch):
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded(photograph()))
    medium = load(RawMedium(Modality.IMAGE, str(path)))
    assert medium.num_bytes
    path.unlink()  # between the look at its size and the reading, as on a network drive
    with pytest.raises(SkippedRowError, match="unreadable file: .*a.jpg: No such file"):
        medium.ready  # noqa: B018


def test_the_facts_of_an_image_and_of_a_video():
    facts = load(image_medium()).facts()
    assert facts == {
        "modality": "image",
        "from": "",
        "num_bytes": len(image_medium().data),
        "size": [160, 120],
        "stored_bytes": len(image_medium().data),
        "stored_size": [160, 120],
        "contrast": pytest.approx(max(np.asarray(photograph(), float).std((0, 1))), abs=0.5),  # but for what JPEG loses
    }
    facts = load(video_medium(start=0.5, end=2.5)).facts()
    assert {name: facts[name] for name in ("modality", "seconds", "clip", "stored_frames")} == {
        "modality": "video",
        "seconds": 2.0,
        "clip": [0.5, 2.5],
        "stored_frames": 4,
    }


def test_what_is_no_picture_has_no_size():
    medium = Shapeless(RawMedium(Modality.VIDEO, data=b"four"), MediaPolicy())
    assert medium.size is None and medium.ready.size is None and medium.ready.thumbnails == medium.ready.greys == () and medium.seconds == 0
    assert medium.facts() == {"modality": "video", "from": "", "num_bytes": 4, "stored_bytes": 4}
