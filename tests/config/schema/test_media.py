from dataclasses import fields

import pytest

from unite.config.schema.media import Decoding, Frames, MediaPolicy
from unite.errors import ConfigError


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("max_pixels", 10, "media.max_pixels must be at least 784, but is 10"),
        ("jpeg_quality", 100, "media.jpeg_quality must be from 1 to 95, but is 100"),
        ("min_frames", 13, r"media.min_frames must be from 1 to max_frames \(12\), but is 13"),
        ("fps", 0, "media.fps must be above 0, but is 0"),
        ("multiple", 0, "media.multiple must be from 1 to 1024"),
    ],
)
def test_a_bad_policy_is_refused(field, value, message):
    with pytest.raises(ConfigError, match=message):
        MediaPolicy(**{field: value})


def test_a_bad_decoding_is_refused():
    with pytest.raises(ConfigError, match=r"decoding.fps must be above 0, but is 0"):
        Decoding(fps=0)
    with pytest.raises(ConfigError, match=r"decoding.min_frames must be from 1 to max_frames \(12\), but is 13"):
        Decoding(min_frames=13)


def test_curation_and_training_pick_the_same_frames_by_default():
    for field in fields(Frames):
        assert getattr(Decoding(), field.name) == getattr(MediaPolicy(), field.name) == getattr(Frames(), field.name)
