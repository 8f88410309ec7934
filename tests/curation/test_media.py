import io
import os
import struct
import time
import zlib

import av
import numpy as np
import pytest
from PIL import Image

from tests.curation.material import clip, encoded, frame_at, image_medium, photograph, video_medium
from unite.curation.loaded import LoadedMedium
from unite.curation.media import MediaPolicy, encoder_size, fit
from unite.curation.raw import RawMedium, SkippedRowError
from unite.data.decode import Decoding, decode_medium
from unite.errors import ConfigError
from unite.types import Modality


def load(raw, **policy):
    return LoadedMedium(raw, MediaPolicy(**policy))


def resized(frames, like):
    """Frames at the size of others, as Pillow would make them."""
    size = like.shape[2], like.shape[1]
    return np.stack([np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC)) for frame in frames])


def nearest_frames(frames, num_frames=30, **options):
    original = resized([frame_at(at, **options) for at in range(num_frames)], frames).astype(int)
    return [int(np.abs(original - frame).mean(axis=(1, 2, 3)).argmin()) for frame in frames]


def test_a_small_image_keeps_its_bytes():
    for format, extension in (("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp")):
        raw = image_medium(format=format)
        ready = load(raw).ready
        assert ready.stored.data == raw.data and ready.stored.extension == extension
        assert (ready.width, ready.height) == (160, 120)


def test_an_image_above_the_cap_becomes_the_size_the_encoder_gives_it():
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize

    for width, height in ((640, 480), (481, 900), (3000, 100)):
        size = fit(width, height, 200 * 28 * 28, 28)
        assert size[::-1] == smart_resize(height, width, factor=28, min_pixels=28 * 28, max_pixels=200 * 28 * 28)
    for width, height in ((320, 240), (160, 120), (30, 40), (42, 42), (391, 392), (401, 391), (640, 480)):
        size = encoder_size(width, height, 200 * 28 * 28, 28)
        assert size[::-1] == smart_resize(height, width, factor=28, min_pixels=28 * 28, max_pixels=200 * 28 * 28)
    ready = load(image_medium(photograph(1, 640, 480)), max_pixels=100 * 28 * 28).ready
    stored = Image.open(io.BytesIO(ready.stored.data))
    assert stored.format == "JPEG" and stored.size == (ready.width, ready.height) == fit(640, 480, 100 * 28 * 28, 28)
    expected = np.asarray(photograph(1, 640, 480).resize(stored.size, Image.Resampling.BICUBIC)).astype(int)
    assert np.abs(np.asarray(stored).astype(int) - expected).mean() < 3


def test_what_is_turned_is_stored_upright_and_what_no_decoder_is_sure_of_as_jpeg():
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees to the right
    upright = load(image_medium(exif=exif)).ready
    assert (upright.width, upright.height) == (120, 160) and upright.stored.extension == "jpg"
    assert load(image_medium(format="BMP")).ready.stored.extension == "jpg"


def test_the_frames_stored_are_those_that_training_picks():
    data = clip(100, 10)
    ready = load(video_medium(data)).ready
    before = decode_medium(ready.stored.__class__(Modality.VIDEO, data, "mp4"), Decoding())
    after = decode_medium(ready.stored, Decoding())
    assert after.seconds == pytest.approx(before.seconds, abs=1e-3) and len(after.seconds) == 10
    assert nearest_frames(after.frames, 100) == nearest_frames(before.frames, 100) == [0, 11, 22, 33, 44, 55, 66, 77, 88, 99]
    assert after.frames.shape[1:3] == (112, 168)  # the encoder's size, so that it need not resize
    assert np.abs(after.frames.astype(int) - resized(before.frames, after.frames)).mean() < 4


def test_a_clip_is_cut_out_of_its_video():
    medium = load(video_medium(clip(100, 10), 2.5, 6.0))
    assert medium.seconds == pytest.approx(3.5)
    after = decode_medium(medium.ready.stored, Decoding())
    assert nearest_frames(after.frames, 100) == [25, 36, 48, 59]  # 4 frames at least, evenly from 2.5 s to before 6 s
    assert after.seconds[0] == 0
    with pytest.raises(SkippedRowError, match="no frames: .* 100 frames and none from 20 to 30 s"):
        load(video_medium(clip(100, 10), 20, 30)).ready  # noqa: B018


def test_each_frame_of_a_stored_clip_is_a_jpeg_reached_alone():
    ready = load(video_medium(clip(30, 10, 320, 240)), frame_pixels=100 * 28 * 28).ready
    with av.open(io.BytesIO(ready.stored.data)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
        assert all(packet.is_keyframe for packet in container.demux(video=0) if packet.size)
    sizes = {Image.open(io.BytesIO(packet)).size for packet in packets}
    assert len(packets) == 4 and sizes == {encoder_size(320, 240, 100 * 28 * 28, 28)} == {(308, 252)}
    assert (ready.width, ready.height) in sizes


@pytest.mark.parametrize("format", ["matroska", "avi", "mpegts"])
def test_containers_without_a_frame_count_are_read(format):
    ready = load(video_medium(clip(30, 10, format=format))).ready
    assert nearest_frames(decode_medium(ready.stored, Decoding()).frames) == [0, 10, 19, 29]


def png_header(width, height):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(b""))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (RawMedium(Modality.IMAGE, data=b""), "empty file"),
        (RawMedium(Modality.IMAGE, data=b"no picture"), "broken image"),
        (RawMedium(Modality.IMAGE, data=encoded(photograph())[:600]), "broken image"),
        (RawMedium(Modality.IMAGE, data=png_header(30_000, 30_000)), "decompression bomb"),
        (RawMedium(Modality.IMAGE, data=png_header(60_000, 60_000)), "decompression bomb"),
        (RawMedium(Modality.IMAGE, "nowhere.jpg"), "missing file"),
        (RawMedium(Modality.IMAGE, "a\0b.jpg"), "missing file"),
        (RawMedium(Modality.IMAGE, "/dev/zero"), "missing file"),
        (RawMedium(Modality.VIDEO, data=b""), "empty file"),
        (RawMedium(Modality.VIDEO, data=b"no film at all"), "broken video"),
        (RawMedium(Modality.VIDEO, data=clip()[:4000]), "broken video"),
        (RawMedium(Modality.VIDEO, data=clip(0)), "broken video"),
        (RawMedium(Modality.VIDEO, data=clip(30, format="mpegts")[:188]), "broken video"),
    ],
)
def test_what_cannot_be_used_is_named_by_reason(raw, reason):
    with pytest.raises(SkippedRowError) as skipped:
        load(raw).ready  # noqa: B018
    assert skipped.value.reason == reason


def test_a_playlist_that_calls_itself_a_video_opens_no_other_file(tmp_path):
    (tmp_path / "secret.mp4").write_bytes(clip())
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile secret.mp4\n")
    (tmp_path / "stream.mp4").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nsecret.mp4\n#EXT-X-ENDLIST\n")
    for name in ("list.mp4", "stream.mp4"):
        with pytest.raises(SkippedRowError, match="broken video"):
            load(RawMedium(Modality.VIDEO, str(tmp_path / name))).ready  # noqa: B018


def test_a_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "endless.mp4")
    with pytest.raises(SkippedRowError, match="missing file: .* is no regular file"):
        load(RawMedium(Modality.VIDEO, str(tmp_path / "endless.mp4"))).ready  # noqa: B018


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


def test_a_video_that_breaks_off_is_left_out(monkeypatch):
    medium = load(video_medium(clip(30, format="matroska")))
    assert medium.size == (160, 120)  # the packets are scanned
    broken = clip(30, format="matroska")
    medium._video.source = broken[: len(broken) * 2 // 3]
    with pytest.raises(SkippedRowError, match="(video ends early|broken video)"):
        medium.ready  # noqa: B018


def test_equal_input_gives_equal_bytes():
    assert load(video_medium()).ready.stored.data == load(video_medium()).ready.stored.data


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("max_pixels", 10, "media.max_pixels must be at least 784, but is 10"),
        ("jpeg_quality", 100, "media.jpeg_quality must be from 1 to 95, but is 100"),
        ("min_frames", 13, r"media.min_frames must be from 1 to max_frames \(12\), but is 13"),
        ("fps", 0, "media.fps must be at least"),
        ("multiple", 0, "media.multiple must be from 1 to 1024"),
    ],
)
def test_a_bad_policy_is_refused(field, value, message):
    with pytest.raises(ConfigError, match=message):
        MediaPolicy(**{field: value})
