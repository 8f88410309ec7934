"""Animated pictures as videos."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.media.material import decode, encoded, load, photograph, video_medium
from tests.media.video.films import shown
from unite.errors import DataError, SkippedRowError
from unite.media.video.animation import is_animation
from unite.types import Modality

_LEVELS = [20, 60, 100, 140, 180, 220]
_SHOWN = [200, 300, 50, 1000, 70, 130]  # milliseconds
_STARTS = (0.0, 0.2, 0.5, 0.55, 1.55, 1.62)


def animated(format, pictures=None, shown_for=_SHOWN, **options):
    out = io.BytesIO()
    first, *others = pictures or [Image.new("RGB", (64, 48), (level,) * 3) for level in _LEVELS]
    first.save(out, format, save_all=True, append_images=others, duration=shown_for, loop=0, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("format", "options"),
    [("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {}), ("PNG", {"default_image": True}), ("AVIF", {"quality": 100})],
)
def test_pictures_are_shown_as_long_as_the_file_says(format, options):
    pictures = [Image.new("RGB", (64, 48), (level,) * 3) for level in _LEVELS]
    if options.get("default_image"):  # a picture before, for those who show no animation
        pictures = [Image.new("RGB", (64, 48), "red"), *pictures]
    data = animated(format, pictures, **options)
    assert is_animation(data[:16])
    timeline, size, frames = shown(data)
    assert size == (64, 48) and timeline.times == pytest.approx(_STARTS) and timeline.seconds == pytest.approx(1.75)
    assert [frame.mean() for frame in frames] == pytest.approx(_LEVELS, abs=2)
    assert not timeline.remark


def test_training_and_curation_see_the_same_frames():
    data = animated("WEBP", [photograph(seed, 112, 84) for seed in range(6)], lossless=True)
    medium = decode(Modality.VIDEO, data, min_frames=3, max_frames=3)
    assert medium.seconds == pytest.approx((0.0, 0.55, 1.62))  # nearest to 0, 0.81 and 1.62
    for seed, frame in zip((0, 3, 5), medium.frames, strict=True):
        assert (frame == np.asarray(photograph(seed, 112, 84))).all()
    stored = decode(Modality.VIDEO, load(video_medium(data), min_frames=3, max_frames=3).ready.data, min_frames=3)
    assert stored.seconds == pytest.approx(medium.seconds, abs=1e-4) and stored.duration == pytest.approx(medium.duration, abs=1e-4)
    assert np.abs(stored.frames.astype(int) - medium.frames).mean() < 4


def test_a_clip_of_an_animation_is_what_it_shows_then():
    ready = load(video_medium(animated("GIF"), 0.3, 1.6)).ready
    stored = decode(Modality.VIDEO, ready.data)
    assert stored.frames.mean(axis=(1, 2, 3)) == pytest.approx([60, 100, 140, 180], abs=2)
    assert stored.seconds == pytest.approx((0.0, 0.2, 0.25, 1.25), abs=1e-4) and stored.duration == pytest.approx(1.3, abs=1e-4)


def test_pictures_of_ten_milliseconds_or_less_are_shown_for_a_tenth_of_a_second():
    """As browsers do: of such files, their makers meant as fast as can be, at a time when that was slower."""
    timeline, _, _ = shown(animated("GIF", shown_for=[0, 10, 20, 100, 0, 20]))
    assert timeline.times == pytest.approx((0.0, 0.1, 0.2, 0.22, 0.32, 0.42)) and timeline.seconds == pytest.approx(0.44)


def test_what_is_transparent_shows_white():
    pictures = [Image.new("RGBA", (64, 48), (20, 20, 20, 0 if number else 255)) for number in range(2)]
    for format in ("WEBP", "PNG"):
        _, _, frames = shown(animated(format, pictures, shown_for=100, disposal=2) if format == "PNG" else animated(format, pictures, 100))
        assert [frame.mean() for frame in frames] == pytest.approx([20, 255], abs=1)


def test_a_picture_that_covers_a_part_is_laid_over_those_before():
    first = Image.new("RGB", (64, 48), "white")
    second = first.copy()
    second.paste((0, 0, 0), (10, 10, 20, 20))
    for format in ("GIF", "WEBP", "PNG"):
        _, _, frames = shown(animated(format, [first, second], shown_for=100))
        assert (frames[1][2, 2] >= 250).all() and (frames[1][15, 15] <= 5).all()


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "AVIF"])
def test_a_picture_that_does_not_move_is_one_frame(format):
    medium = decode(Modality.VIDEO, encoded(photograph(), format))
    assert medium.frames.shape == (1, 120, 160, 3) and medium.seconds == (0.0,)


def test_an_animation_that_ends_early_shows_what_there_is():
    data = animated("GIF", [photograph(seed) for seed in range(6)])
    timeline, _, frames = shown(data[: int(len(data) * 0.6)])
    assert 2 <= len(frames) == len(timeline.times) < 6
    assert timeline.remark.startswith("ends early: ")


def test_limits_hold_for_animations():
    data = animated("GIF")
    with pytest.raises(DataError, match="a video must be at most 3 frames long"):
        decode(Modality.VIDEO, data, max_video_frames=3)
    with pytest.raises(DataError, match="a video frame must be at most 100 pixels, but is '64 x 48'"):
        decode(Modality.VIDEO, data, max_pixels=100)
    with pytest.raises(SkippedRowError, match="video too long: .* lasts 1.8 s, more than 1.5"):
        load(video_medium(data), max_seconds=1.5).ready  # noqa: B018


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "AVIF"])
def test_broken_animations_are_told(format):
    data = animated(format)[:40]
    with pytest.raises(DataError, match="the video cannot be decoded"):
        decode(Modality.VIDEO, data)
    with pytest.raises(SkippedRowError, match="broken video"):
        load(video_medium(data)).ready  # noqa: B018


def test_an_animation_without_its_colours_is_told():
    """Of a picture that names no palette, after which one does, Pillow asserts that there is one."""
    data = bytearray(animated("GIF", [photograph(number, 60, 40) for number in range(4)]))
    data[10] &= 0x3F
    with pytest.raises(DataError, match="the video cannot be decoded"):
        decode(Modality.VIDEO, bytes(data))
