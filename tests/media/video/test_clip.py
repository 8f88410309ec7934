"""Videos as they come from the web: any container and rate, clips of them, files that lie, bytes that flipped.

By way of the kind in `__init__.py`, which is tested here and in `test_decode.py`.
"""

import contextlib
import io
import random
import time

import av
import numpy as np
import pytest
from PIL import Image

from tests.media.material import clip, damaged, decode, encoded, frame_at, load, photograph, video_medium
from tests.media.video.films import Unbounded, film, greys, scenery, song
from unite.config.schema.media import Frames
from unite.errors import SkippedRowError, UniteError
from unite.media.picture import encoder_size
from unite.media.ready import RawMedium
from unite.media.video.reader import opened, take
from unite.types import Modality


def resized(frames, like):
    """Frames at the size of others, as Pillow would make them."""
    size = like.shape[2], like.shape[1]
    return np.stack([np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC)) for frame in frames])


def nearest_frames(frames, num_frames=30, **options):
    original = resized([frame_at(at, **options) for at in range(num_frames)], frames).astype(int)
    return [int(np.abs(original - frame).mean(axis=(1, 2, 3)).argmin()) for frame in frames]


def test_the_frames_stored_are_those_that_training_picks():
    data = clip(100, 10)
    ready = load(video_medium(data)).ready
    before = decode(Modality.VIDEO, data)
    after = decode(Modality.VIDEO, ready.data)
    assert after.seconds == pytest.approx(before.seconds, abs=1e-3) and len(after.seconds) == 10
    assert after.duration == pytest.approx(before.duration, abs=1e-3) and before.duration == 10.0
    assert nearest_frames(after.frames, 100) == nearest_frames(before.frames, 100) == [0, 11, 22, 33, 44, 55, 66, 77, 88, 99]
    assert after.frames.shape[1:3] == (112, 168)  # the encoder's size, so that it need not resize
    assert np.abs(after.frames.astype(int) - resized(before.frames, after.frames)).mean() < 4


def test_a_clip_is_cut_out_of_its_video():
    medium = load(video_medium(clip(100, 10), 2.5, 6.0))
    assert medium.seconds == pytest.approx(3.5)
    after = decode(Modality.VIDEO, medium.ready.data)
    assert nearest_frames(after.frames, 100) == [25, 36, 48, 59]  # 4 frames at least, evenly from 2.5 s to before 6 s
    assert after.seconds[0] == 0


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [
        (20, 30, "clip past the end: the video in the record lasts 10.00 s, and the clip is to begin at 20.00 s"),
        (10.0, None, "clip past the end"),
        (6, 6, "empty clip: the video in the record is meant from 6 to 6 s"),
        (6, 2, "empty clip"),
    ],
)
def test_a_clip_of_nothing_is_left_out(start, end, reason):
    medium = load(video_medium(clip(100, 10), start, end))
    for use in (lambda: medium.seconds, lambda: medium.ready):
        with pytest.raises(SkippedRowError, match=reason):
            use()


@pytest.mark.parametrize(("start", "end"), [(None, None), (2.5, 6.0), (2.53, 5.97), (0.04, 9.0), (8.0, 99.0), (3.01, 3.05)])
def test_a_curated_clip_gives_the_frames_of_the_raw_one(start, end):
    """At times of a variable rate; frame i is grey of level 4 i."""
    times = np.cumsum(np.random.default_rng(3).exponential(0.17, 60) + 0.002).round(3)
    times -= times[0]
    data = film(greys(range(0, 240, 4)), seconds=times, ticks=1000, options={"crf": "1"})
    stored = load(video_medium(data, start, end)).ready.data
    with opened(data, Unbounded()) as pictures:
        raw = take(pictures, Frames(), np.mean, start, end)
    curated = decode(Modality.VIDEO, stored)
    assert curated.frames.mean(axis=(1, 2, 3)) == pytest.approx(raw.frames, abs=1.9)
    assert curated.seconds == pytest.approx(raw.times, abs=1e-4) and curated.duration == pytest.approx(raw.seconds, abs=1e-4)
    # and the frames are those that are on the screen nearest to moments spread evenly
    begin, until = start or 0.0, min(end or 99, times[-1] + 0.1)
    on = max(at for at in range(60) if times[at] <= begin)
    inside = {at: max(times[at], begin) for at in range(on, 60) if at == on or times[at] < until}
    moments = np.linspace(begin, max(inside.values()), min(max(round(curated.duration), 4), 12))
    wanted = sorted(inside if len(inside) <= len(moments) else {min(inside, key=lambda at: abs(inside[at] - moment)) for moment in moments})
    assert (np.array(raw.frames) / 4).round().astype(int).tolist() == wanted


def test_each_frame_of_a_stored_clip_is_a_jpeg_reached_alone():
    ready = load(video_medium(clip(30, 10, 320, 240)), frame_pixels=100 * 28 * 28).ready
    with av.open(io.BytesIO(ready.data)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
        assert all(packet.is_keyframe for packet in container.demux(video=0) if packet.size)
    sizes = {Image.open(io.BytesIO(packet)).size for packet in packets}
    assert len(packets) == 4 and sizes == {encoder_size(320, 240, 100 * 28 * 28, 28)} == {(308, 252)}
    assert ready.size in sizes


@pytest.mark.parametrize("format", ["matroska", "avi", "mpegts"])
def test_containers_without_a_frame_count_are_read(format):
    ready = load(video_medium(clip(30, 10, format=format))).ready
    assert nearest_frames(decode(Modality.VIDEO, ready.data).frames) == [0, 10, 19, 29]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"no film at all", "broken video"),
        (clip()[:4000], "broken video"),
        (clip(0), "broken video"),
        (clip(30, format="mpegts")[:188], "broken video"),
        (encoded(photograph()), "broken video"),
        (song(), r"sound alone: the video in the record holds sound alone \(aac\) and no picture"),
    ],
)
def test_what_is_no_video_is_told(data, reason):
    with pytest.raises(SkippedRowError, match=reason):
        load(video_medium(data)).ready  # noqa: B018


def test_a_playlist_that_calls_itself_a_video_opens_no_other_file(tmp_path):
    (tmp_path / "secret.mp4").write_bytes(clip())
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile secret.mp4\n")
    (tmp_path / "stream.mp4").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nsecret.mp4\n#EXT-X-ENDLIST\n")
    for name in ("list.mp4", "stream.mp4"):
        with pytest.raises(SkippedRowError, match="broken video"):
            load(RawMedium(Modality.VIDEO, str(tmp_path / name))).ready  # noqa: B018


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ({"max_source_frames": 20}, "video too long: .* more than 20 frames"),
        ({"max_seconds": 2.0}, "video too long: .* lasts 3.0 s, more than 2.0"),
        ({"max_source_bytes": 1000}, "file too large"),
        ({"max_source_pixels": 10_000}, "decompression bomb: .* is 160 x 120"),
    ],
)
def test_limits_hold_for_video(policy, reason):
    with pytest.raises(SkippedRowError, match=reason):
        load(video_medium(), **policy).ready  # noqa: B018


def test_a_video_that_takes_too_long_is_given_up(monkeypatch):
    clock = iter(range(0, 10_000, 7))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with pytest.raises(SkippedRowError, match="video too slow: .* more than 60 s"):
        load(video_medium(), deadline_seconds=60).ready  # noqa: B018


@pytest.mark.parametrize(("format", "options"), [("matroska", {}), ("avi", {}), ("mp4", {"movflags": "faststart"})])
def test_of_a_video_that_breaks_off_there_is_what_there_is(format, options, tmp_path, monkeypatch):
    """The one on a network drive breaks off after it was looked at; its packets are too many to be kept."""
    monkeypatch.setattr("unite.media.video.packets.MOST_KEPT", 1)
    path = tmp_path / "clip"
    whole = film(scenery(50, 320, 240), path, format=format, codec="mpeg4", container_options=options)
    medium = load(RawMedium(Modality.VIDEO, str(path)))
    assert (medium.seconds, medium.size) == (2.0, (320, 240))
    path.write_bytes(whole[: int(len(whole) * 0.7)])
    facts = medium.facts()
    assert 0.8 < facts["seconds"] < 1.6 and facts["stored_frames"] == 4
    assert facts["remark"].startswith("ends early")
    assert "remark" not in load(video_medium(whole)).facts()


def test_equal_input_gives_equal_bytes():
    assert load(video_medium()).ready.data == load(video_medium()).ready.data


def test_one_frame_is_a_video():
    ready = load(video_medium(clip(1))).ready
    assert len(decode(Modality.VIDEO, ready.data).frames) == 1


@pytest.mark.parametrize("format", ["mp4", "matroska"])
def test_frames_of_a_variable_rate_are_picked_by_time(format):
    """50 frames in half a second, then one a second: frame i is grey of level 4 i."""
    times = [at * 0.01 for at in range(50)] + [0.5 + at for at in range(10)]
    data = film(greys(range(0, 240, 4)), seconds=times, ticks=1000, rate=30, format=format, options={"crf": "5"})
    after = decode(Modality.VIDEO, load(video_medium(data), min_frames=12).ready.data, min_frames=12)
    moments = [9.5 * at / 11 for at in range(12)]
    picked = sorted({min(range(60), key=lambda frame: abs(times[frame] - moment)) for moment in moments})
    assert len(picked) == 11  # two moments lie nearest to one frame
    assert after.frames.mean(axis=(1, 2, 3)) / 4 == pytest.approx(picked, abs=0.4)
    assert after.seconds == pytest.approx([times[at] for at in picked], abs=2e-3)


@pytest.mark.parametrize("format", ["mp4", "matroska", "avi", "mpegts"])
def test_damaged_videos_are_left_out_and_end_nothing(format):
    data = clip(8, 4, 64, 48, format=format)
    if format == "mp4":
        data = random.Random(0).choice([data, load(video_medium(data)).ready.data])
    for seed in range(20):
        broken = damaged(data, seed)
        for use in (lambda broken=broken: load(video_medium(broken)).ready, lambda broken=broken: decode(Modality.VIDEO, broken)):
            with contextlib.suppress(UniteError):
                use()


def test_a_codec_nobody_knows_is_a_broken_video():
    data = bytearray(clip(3))
    at = data.index(b"avc1", data.index(b"stsd"))
    data[at : at + 4] = b"zzzz"
    for use in (
        lambda: load(video_medium(bytes(data))).ready,
        lambda: decode(Modality.VIDEO, bytes(data)),
    ):
        with pytest.raises(UniteError, match="codec of its video is not known|broken video|cannot be decoded"):
            use()


def test_a_clip_past_the_end_of_its_video_ends_with_it():
    assert load(video_medium(clip(30, 10), 2.0, 99.0)).seconds == pytest.approx(1.0)
