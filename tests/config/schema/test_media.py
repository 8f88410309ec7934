from dataclasses import fields

import pytest

from unite.config.schema.media import Decoding, FrameRule, Frames, MediaPolicy
from unite.errors import ConfigError


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("max_pixels", 10, "media.max_pixels must be at least 784, but is 10"),
        ("jpeg_quality", 100, "media.jpeg_quality must be from 1 to 95, but is 100"),
        ("min_frames", 13, r"media.min_frames must be from 1 to max_frames \(12\), but is 13"),
        ("fps", 0, "media.fps must be above 0, but is 0"),
        ("fps", float("nan"), "media.fps must be above 0, but is nan"),
        ("max_seconds", float("nan"), "media.max_seconds must be at least 1e-06, but is nan"),
        ("max_source_frames", 0, "media.max_source_frames must be at least 1, but is 0"),
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
    with pytest.raises(ConfigError, match=r"decoding.fps must be above 0, and finite, but is inf. For as many frames .* raise min_frames"):
        Decoding(fps=float("inf"))
    for name in ("max_pixels", "max_video_frames"):
        with pytest.raises(ConfigError, match=f"decoding.{name} must be at least 1, but is 0"):
            Decoding(**{name: 0})
    for seconds in (0, -1, float("nan")):
        with pytest.raises(ConfigError, match="decoding.deadline_seconds must be above 0, or null for none, but is"):
            Decoding(deadline_seconds=seconds)


def test_curation_and_training_pick_the_same_frames_by_default():
    for field in fields(Frames):
        assert getattr(Decoding(), field.name) == getattr(MediaPolicy(), field.name) == getattr(Frames(), field.name)


def test_a_span_that_is_none_is_refused_and_a_rule_goes_by_name():
    with pytest.raises(ConfigError, match=r"decoding.start_seconds must be at least 0, or null for the beginning, but is -1"):
        Decoding(start_seconds=-1)
    with pytest.raises(ConfigError, match=r"decoding.end_seconds must be above start_seconds \(40\), or null for the end, but is 30"):
        Decoding(start_seconds=40, end_seconds=30)
    with pytest.raises(ConfigError, match=r"decoding.end_seconds must be above 0, or null for the end, but is nan"):
        Decoding(end_seconds=float("nan"))
    with pytest.raises(ConfigError, match=r"decoding.rule must be one of even, middle, but is 'midle'. Did you mean 'middle'"):
        Decoding(rule="midle")
    assert Decoding(rule="middle").rule is FrameRule.middle
    assert Decoding(start_seconds=0).span == Decoding().span == ""
    assert Decoding(end_seconds=30).span == Decoding(start_seconds=0, end_seconds=30.0).span == "0.0 to 30.0 s"
