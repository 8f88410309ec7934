"""Frames that are sought equal those of decoding through, in every container and codec that can be written here. Of `packets.py` too."""

import io

import av
import numpy as np
import pytest

from tests.media.video.films import Unbounded, blotted, decoded_through, film, greys, scenery, shown
from unite.media.video.container import UnusableVideoError
from unite.media.video.film import MissingFrameError
from unite.media.video.reader import opened

_NUM = 60
#: Container, codec, options.
_FILMS = [
    ("mp4", "libx264", {"g": "12"}),
    ("mp4", "libx264", {}),  # one keyframe
    ("mov", "libx264", {"g": "12", "x264-params": "open-gop=1:bframes=3:b-adapt=0"}),
    ("mp4", "libx265", {"g": "12", "x265-params": "log-level=none:open-gop=1:bframes=4"}),
    ("mp4", "mpeg4", {"g": "12", "bf": "2"}),
    ("matroska", "libx264", {"g": "12"}),
    ("matroska", "ffv1", {}),
    ("webm", "libvpx-vp9", {"g": "24", "deadline": "realtime", "cpu-used": "8"}),
    ("webm", "libvpx", {"g": "24", "auto-alt-ref": "1", "lag-in-frames": "10", "deadline": "realtime", "cpu-used": "8"}),
    ("avi", "mpeg4", {"g": "12"}),
    ("avi", "mpeg4", {"g": "12", "bf": "2"}),
    ("mpegts", "libx264", {"g": "12", "x264-params": "open-gop=1:bframes=3:b-adapt=0"}),
    ("mpegts", "libx264", {"g": "15", "x264-params": "interlaced=1"}),
    ("mpegts", "mpeg2video", {"g": "12", "bf": "2"}),
    ("mpeg", "mpeg2video", {"g": "12", "bf": "2"}),
    ("flv", "libx264", {"g": "12"}),
    ("asf", "wmv2", {"g": "12"}),
]
#: Of which the packets do not tell the frames: times in the order of decoding, no times, keyframes that are none.
_DECODED_THROUGH = [
    ("avi", "libx264", {"g": "12", "x264-params": "b-adapt=0"}),
    ("h264", "libx264", {"g": "12", "x264-params": "b-adapt=0"}),
    ("mpegts", "libx264", {"g": "12", "intra-refresh": "1"}),
]


def made(format, codec, options):
    data = film(scenery(_NUM), format=format, codec=codec, options=options)
    return data, decoded_through(data)


@pytest.mark.parametrize(("format", "codec", "options"), _FILMS)
@pytest.mark.parametrize("is_kept", [True, False])
def test_sought_frames_are_those_of_decoding_through(format, codec, options, is_kept, monkeypatch):
    if not is_kept:
        monkeypatch.setattr("unite.media.video.packets.MOST_KEPT", 1)
    data, through = made(format, codec, options)
    assert len(through) == _NUM
    with opened(data, Unbounded()) as pictures:
        assert pictures.timeline.times == pytest.approx(np.arange(_NUM) / 25) and pictures.timeline.seconds == pytest.approx(_NUM / 25)
        for numbers in ([0], [_NUM - 1], [29], [17, 18], [3, 24, 26, 50], range(0, _NUM, 7), range(_NUM)):
            found = list(pictures.pixels(np.array(numbers)))
            assert len(found) == len(numbers)
            assert all((pixels == through[number][1]).all() for number, pixels in zip(numbers, found, strict=True))
        assert pictures.look_through()  # it was not decoded through before


@pytest.mark.parametrize(("format", "codec", "options"), _DECODED_THROUGH)
def test_what_the_packets_do_not_tell_is_decoded_through(format, codec, options):
    data, through = made(format, codec, options)
    with opened(data, Unbounded()) as pictures:
        numbers = np.array([5, 29, 30, 59])
        if options.get("intra-refresh"):
            with pytest.raises(MissingFrameError):
                list(pictures.pixels(numbers))
            assert pictures.look_through()
        assert not pictures.look_through()
        assert pictures.timeline.times == pytest.approx(np.arange(_NUM) / 25)
        for number, pixels in zip(numbers, pictures.pixels(numbers), strict=True):
            assert (pixels == through[number][1]).all()


def test_only_what_is_asked_for_is_decoded():
    data = film(scenery(_NUM), options={"g": "12", "x264-params": "b-adapt=0"})
    with opened(data, Unbounded()) as pictures:
        list(pictures.pixels(np.array([14, 50])))
        assert 2 < pictures.num_decoded < 8  # of 3 frames in each of two groups, without those that no other is made of
        list(pictures.pixels(np.array([14])))
        assert pictures.num_decoded < 12
        pictures.look_through()
        assert pictures.num_decoded >= _NUM


def test_times_before_zero_and_after_a_start_are_counted_from_the_first_frame():
    seconds = [0.04 * at - 0.5 for at in range(30)]
    for format in ("mp4", "matroska", "mpegts"):
        late = film(greys(range(0, 240, 8)), seconds=[at + 3 for at in seconds], ticks=1000, format=format)
        timeline, _, frames = shown(late)
        assert timeline.times == pytest.approx(np.arange(30) / 25, abs=1e-3)
        assert [frame.mean() / 8 for frame in frames] == pytest.approx(range(30), abs=0.4)


def edited(data, start, num_frames, rate=25):
    """An MP4 whose edit list shows some frames of it."""
    data = bytearray(data)
    at = data.index(b"elst") + 12
    delay = int.from_bytes(data[at + 4 : at + 8], "big")
    entry = (round(1000 * num_frames / rate), delay + round(start / rate * 12_800))
    data[at : at + 8] = b"".join(number.to_bytes(4, "big") for number in entry)
    return bytes(data)


@pytest.mark.parametrize(("start", "num_frames"), [(0, 30), (7, 30), (10, 40), (49, 1)])
def test_an_edit_list_says_what_is_shown(start, num_frames):
    """Of 50 frames, with a keyframe every 12; Chromium's `currentTime` shows the same."""
    data = edited(film(greys(range(0, 200, 4)), options={"g": "12", "crf": "1"}), start, num_frames)
    with av.open(io.BytesIO(data)) as container:
        assert container.streams.video[0].frames == 50
    timeline, _, frames = shown(data)
    assert timeline.times == pytest.approx(np.arange(num_frames) / 25) and timeline.seconds == pytest.approx(num_frames / 25)
    assert [frame.mean() / 4 for frame in frames] == pytest.approx(range(start, start + num_frames), abs=0.4)
    assert not timeline.remark


def test_a_cut_that_begins_within_a_group_is_shown_from_its_first_keyframe_on():
    data = film(greys(range(0, 240, 4)), format="mpegts", options={"g": "20", "crf": "1", "x264-params": "scenecut=0"})
    packets = [data[at : at + 188] for at in range(0, len(data), 188)]
    timeline, _, frames = shown(b"".join(packets[:3] + packets[int(len(packets) * 0.4) :]))  # with the tables of the programme
    first = round(frames[0].mean() / 4)
    assert first in (20, 40)
    assert [frame.mean() / 4 for frame in frames] == pytest.approx(range(first, 60), abs=0.4)
    assert timeline.seconds == pytest.approx((60 - first) / 25, abs=0.01)


def test_a_damaged_stretch_is_passed_over_and_told():
    data = blotted(film(scenery(_NUM), codec="mjpeg", format="avi", pix_fmt="yuvj420p"), range(20, 25))
    with opened(data, Unbounded()) as pictures:
        with pytest.raises(MissingFrameError):
            list(pictures.pixels(np.arange(_NUM)))
        assert pictures.look_through()
        assert len(pictures.timeline.times) == 55
        assert pictures.timeline.remark == "is damaged: 55 of 60 frames can be decoded, and those are used"
        assert pictures.timeline.times[20] == pytest.approx(25 / 25)  # what comes after keeps its time


def test_what_nothing_can_be_decoded_of_is_told():
    data = blotted(film(scenery(5), codec="mjpeg", format="avi", pix_fmt="yuvj420p"), range(5))
    with opened(data, Unbounded()) as pictures, pytest.raises(UnusableVideoError) as error:
        pictures.look_through()
    assert error.value.reason == "no frames"
    assert error.value.detail.startswith("has 5 frames, of which none can be decoded (")


def test_a_stream_that_changes_its_size_is_shown_at_the_first(tmp_path):
    parts = [film(greys([40] * 10, 64, 48), format="h264"), film(greys([200] * 10, 128, 96), format="h264")]
    timeline, size, frames = shown(b"".join(parts))
    assert size == (64, 48) and len(timeline.times) == 20
    assert {frame.shape for frame in frames} == {(48, 64, 3)}
    assert [frame.mean() for frame in frames] == pytest.approx([40] * 10 + [200] * 10, abs=3)
