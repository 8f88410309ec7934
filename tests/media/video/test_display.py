from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from tests.media.material import decode, load, video_medium
from tests.media.video.films import film, shown
from unite.errors import DataError, SkippedRowError
from unite.media.video.clip import store_frames
from unite.media.video.display import Display
from unite.media.video.reader import Taken
from unite.types import Modality

#: A quarter of each colour, so that every turn and mirror image is another.
_PICTURE = np.zeros((48, 64, 3), np.uint8)
_PICTURE[:24, :32], _PICTURE[:24, 32:], _PICTURE[24:, :32], _PICTURE[24:, 32:] = (
    (250, 20, 20),
    (20, 250, 20),
    (20, 20, 250),
    (240, 240, 240),
)


def mirrored(picture):
    return picture[:, ::-1]


def upside_down(picture):
    return picture[::-1]


@pytest.mark.parametrize("format", ["mp4", "mov", "matroska"])
@pytest.mark.parametrize(
    ("turn", "as_played"),
    [
        ((0, False, False), lambda picture: picture),
        ((90, False, False), np.rot90),
        ((180, False, False), lambda picture: np.rot90(picture, 2)),
        ((270, False, False), lambda picture: np.rot90(picture, 3)),
        ((0, True, False), mirrored),
        ((0, False, True), upside_down),
        ((90, True, False), lambda picture: mirrored(np.rot90(picture))),
    ],
)
def test_a_clip_is_upright(format, turn, as_played):
    """As Chromium and ffplay show the same files."""
    _, size, frames = shown(film([_PICTURE] * 3, format=format, turn=turn, pix_fmt="yuv444p", options={"crf": "1"}))
    expected = as_played(_PICTURE)
    assert size == expected.shape[1::-1]
    assert all(frame.shape == expected.shape and np.abs(frame.astype(int) - expected).max() < 12 for frame in frames)


@pytest.mark.parametrize(
    ("pixel_aspect", "turn", "size"),
    [
        (Fraction(1), None, (64, 48)),
        (Fraction(4, 3), None, (85, 48)),
        (Fraction(16, 11), None, (93, 48)),
        (Fraction(8, 9), None, (64, 54)),
        (Fraction(10, 11), None, (64, 53)),
        (Fraction(4, 3), (90, False, False), (48, 85)),
    ],
)
def test_pixels_are_square(pixel_aspect, turn, size):
    """The sizes are Chromium's `videoWidth` and `videoHeight` of the same files."""
    data = film([_PICTURE] * 3, pixel_aspect=pixel_aspect, turn=turn)
    _, told, frames = shown(data)
    assert told == size == frames[0].shape[1::-1]
    assert load(video_medium(data)).size == size == decode(Modality.VIDEO, data).frames.shape[2:0:-1]
    corner = frames[0][size[1] // 4, size[0] // 4].astype(int)
    assert np.abs(corner - (_PICTURE[12, 12] if turn is None else _PICTURE[12, 52])).max() < 12


def test_the_curated_clip_is_as_played():
    ready = load(video_medium(film([_PICTURE] * 3, pixel_aspect=Fraction(2), turn=(90, False, False)))).ready
    assert ready.size == (56, 140)  # 48 x 128 in whole patches
    frame = decode(Modality.VIDEO, ready.data).frames[0]
    assert np.abs(frame[35, 14].astype(int) - _PICTURE[12, 52]).max() < 12


def test_jpegs_in_an_mp4_of_another_maker_are_turned_too():
    data = film([_PICTURE] * 3, codec="mjpeg", pix_fmt="yuvj420p", turn=(90, False, False))
    medium = decode(Modality.VIDEO, data)
    assert medium.frames.shape == (3, 64, 48, 3)
    assert np.abs(medium.frames[0][16, 12].astype(int) - _PICTURE[12, 52]).max() < 12


def test_stored_clips_keep_their_planes():
    taken = Taken([Image.fromarray(_PICTURE)] * 2, (0.0, 1.0), 2.0, "")
    frames = decode(Modality.VIDEO, store_frames(taken, 95)).frames
    assert frames.transpose(0, 3, 1, 2).flags.c_contiguous


@pytest.mark.parametrize("aspect", [None, Fraction(0), Fraction(-3, 2)])
def test_an_aspect_that_is_not_known_is_passed_over(aspect):
    display = Display(aspect, None)
    assert display.size(64, 48) == (64, 48) and display.show(_PICTURE) is _PICTURE


def test_a_slanted_matrix_is_the_nearest_quarter():
    twenty = np.array([[61584, -22414, 0], [22414, 61584, 0], [0, 0, 1 << 30]], np.int32)
    assert Display(None, twenty.tobytes()).size(64, 48) == (64, 48)
    assert (Display(None, np.zeros(9, np.int32).tobytes()).show(_PICTURE) == _PICTURE).all()


def test_limits_are_those_of_what_is_shown():
    data = film([np.zeros((16, 336, 3), np.uint8)] * 3, pixel_aspect=Fraction(10))
    with pytest.raises(DataError, match="a video frame must be at most 50000 pixels, but is '3360 x 16'"):
        decode(Modality.VIDEO, data, max_pixels=50_000)
    with pytest.raises(SkippedRowError, match="image too long drawn: .* is 3360 x 16"):
        load(video_medium(data)).ready  # noqa: B018


def test_interlaced_frames_stay_woven():
    comb = np.zeros((48, 64, 3), np.uint8)
    comb[::2] = 200
    _, _, frames = shown(film([comb] * 5, options={"x264-params": "interlaced=1", "crf": "1"}))
    assert len(frames) == 5 and np.abs(frames[2].astype(int) - comb).max() < 12
