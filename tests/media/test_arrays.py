import numpy as np
import pytest
import torch

from unite.errors import DataError
from unite.media.arrays import frames_of, is_array, pictures

NOISE = np.random.default_rng(0).integers(0, 255, (5, 6, 7, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (NOISE[0], NOISE[:1]),
        (NOISE[0].transpose(2, 0, 1), NOISE[:1]),
        (NOISE, NOISE),
        (NOISE.transpose(0, 3, 1, 2), NOISE),
        (NOISE[0, ..., 0], NOISE[:1, ..., :1]),
        (NOISE[0, ..., :1], NOISE[:1, ..., :1]),
        (NOISE[0, :3], NOISE[:1, :3]),  # a height of 3 is no channel where the last axis can be
        (NOISE[0, :, :3], NOISE[:1, :, :3]),
        (torch.from_numpy(NOISE[0].transpose(2, 0, 1).copy()), NOISE[:1]),
        (torch.from_numpy(NOISE[0]), NOISE[:1]),
        (torch.from_numpy(NOISE[0, :3]), NOISE[0, :3].transpose(1, 2, 0)[None]),  # of a tensor the first axis goes before
        (torch.from_numpy(NOISE), NOISE),
        (torch.from_numpy(NOISE.transpose(0, 3, 1, 2).copy()), NOISE),
    ],
)
def test_where_the_channels_are(array, expected):
    assert np.array_equal(frames_of(array, "it"), expected)
    assert [np.asarray(picture).tolist() for picture in pictures(expected)] == [
        frame[..., 0].tolist() if frame.shape[-1] == 1 else frame.tolist() for frame in expected
    ]


def test_four_channels_are_rgba():
    assert [picture.mode for picture in pictures(np.zeros((2, 3, 3, 4), np.uint8))] == ["RGBA", "RGBA"]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (NOISE[0] / 255, r"it must be of dtype uint8, from 0 to 255, but is 'float64 of shape \(6, 7, 3\)'. Of fractions from 0 to 1"),
        (np.full((6, 7, 3), np.nan), "It holds NaN or infinity, which no picture shows"),
        (NOISE[0].astype(np.uint16), r"but is 'uint16 of shape \(6, 7, 3\)'. Scale its range to 0 to 255"),
        (NOISE[0] > 9, r"but is 'bool of shape .* array.astype\('uint8'\) \* 255"),
        (NOISE[0].astype(np.float32), r"Of values from 0 to 255: array.round\(\).astype\('uint8'\)"),
        (NOISE[0] / 127 - 1, "It is from -.* to .*: undo what was done to the pixels"),
        (
            torch.zeros(3, 9, 9, dtype=torch.bfloat16),
            r"it must be a dense tensor of dtype uint8, .* but is 'torch.bfloat16 of shape \(3, 9, 9\)'",
        ),
        (torch.eye(9, dtype=torch.uint8).to_sparse(), "a dense tensor .* It is not: can't convert Sparse"),
        (torch.empty(3, 9, 9, dtype=torch.uint8, device="meta"), "a dense tensor .* no data"),
        (np.array([["a"]]), "of dtype uint8"),
        (np.zeros((6, 7, 2), np.uint8), r"it must be of shape \(height, width, channels\) or .*, but is 'uint8 of shape \(6, 7, 2\)'"),
        (np.zeros((5, 6, 7, 8), np.uint8), "it must be of shape"),
        (np.zeros((1, 5, 6, 7, 3), np.uint8), "it must be of shape"),
        (np.zeros(7, np.uint8), "it must be of shape"),
        (np.uint8(7)[...], "it must be of shape"),
        (np.zeros((0, 7, 3), np.uint8), "it must be of shape"),
        (torch.zeros(3, 6, 7), r"but is 'float32 of shape \(3, 6, 7\)'. Of fractions"),
    ],
)
def test_what_holds_no_pixels_is_refused(array, message):
    with pytest.raises(DataError, match=message):
        frames_of(array, "it")


def test_what_is_an_array():
    assert is_array(NOISE) and is_array(torch.zeros(1))
    assert not any(is_array(other) for other in ([1], "a", None, torch.float32, 5))
