import io

import av
import numpy as np
import pytest
from PIL import Image

from tests.search.media_files import COLOURS, clip, picture
from unite.errors import DataError
from unite.search.page.playable import playable
from unite.types import Modality


@pytest.mark.parametrize(
    ("codec", "container", "mime"),
    [("libx264", "mp4", "video/mp4"), ("libvpx", "webm", "video/webm"), ("libvpx-vp9", "webm", "video/webm")],
)
def test_what_browsers_play_is_left_as_it_is(codec, container, mime):
    data = clip(codec, container, rate=2)
    assert playable(data, Modality.VIDEO) == (data, mime)


def test_h264_in_matroska_is_put_into_an_mp4_as_it_is():
    data = clip("libx264", "matroska", rate=2)
    played, mime = playable(data, Modality.VIDEO)
    assert mime == "video/mp4" and b"ftyp" in played[:12]
    with av.open(io.BytesIO(data)) as before, av.open(io.BytesIO(played)) as after:
        frames = [[(float(frame.time), frame.to_ndarray().tobytes()) for frame in one.decode(video=0)] for one in (before, after)]
    assert len(frames[0]) == 4 and frames[0] == frames[1]


@pytest.mark.parametrize(("codec", "container"), [("png", "mp4"), ("mjpeg", "mp4"), ("mpeg4", "avi")])
def test_other_clips_become_webm_with_the_same_frames_at_the_same_times(codec, container):
    data, mime = playable(clip(codec, container, rate=2), Modality.VIDEO)
    assert mime == "video/webm"
    with av.open(io.BytesIO(data)) as played:
        assert played.streams.video[0].codec_context.name == "vp8"
        frames = [(float(frame.time), frame.to_ndarray(format="rgb24").mean((0, 1))) for frame in played.decode(video=0)]
    assert [time for time, _ in frames] == [0.0, 0.5, 1.0, 1.5, 2.0]
    for (_, seen), colour in zip(frames, [*COLOURS, COLOURS[-1]], strict=True):
        assert np.abs(seen - colour).max() < 14


@pytest.mark.parametrize(("kind", "mime"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp"), ("GIF", "image/gif")])
def test_pictures_that_browsers_show_stay(kind, mime):
    data = picture("red", form=kind)
    assert playable(data, Modality.IMAGE) == (data, mime)


def test_others_become_png():
    data, mime = playable(picture((10, 200, 30), form="TIFF"), Modality.IMAGE)
    assert mime == "image/png"
    assert Image.open(io.BytesIO(data)).getpixel((5, 5)) == (10, 200, 30)


@pytest.mark.parametrize("modality", [Modality.IMAGE, Modality.VIDEO])
def test_what_is_no_medium_is_told(modality):
    with pytest.raises(DataError, match="decoded|read|video"):
        playable(b"<svg onload='alert(1)'/>", modality)
