import numpy as np
import pytest

from tests.curation.material import loaded, row
from tests.curation.steps.material import reason
from tests.media.material import clip, image_medium, video_medium
from unite.curation.steps.video_length import VideoLength, motion
from unite.errors import ConfigError


def test_video_length():
    moving = row(positive_media=[video_medium(clip(30, 10))])
    assert reason(VideoLength(1, 10), moving) is None
    assert reason(VideoLength(4, 10), moving) == "video too short"
    assert reason(VideoLength(1, 2), moving) == "video too long"
    assert reason(VideoLength(1, 2.5), row(positive_media=[video_medium(clip(30, 10), 0.5, 2.5)])) is None  # the clip counts
    still = video_medium(clip(30, 10, shift=0))
    assert reason(VideoLength(1, 10), row(positive_media=[still])) == "static clip"
    assert reason(VideoLength(1, 10, min_motion=0), row(positive_media=[still])) is None
    assert reason(VideoLength(), row(positive_media=[image_medium()])) is None


def test_motion_is_the_mean_difference_of_neighbouring_frames():
    ready = loaded(row(positive_media=[video_medium()])).media[0].ready
    greys = [np.asarray(frame, float) for frame in ready.greys]
    expected = np.mean([np.abs(one - other).mean() for one, other in zip(greys[1:], greys[:-1], strict=True)])
    assert motion(ready) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: VideoLength(5, 4), r"video_length.min_seconds must be from 0 to max_seconds \(4\), but is 5"),
        (lambda: VideoLength(min_motion=-1), "video_length.min_motion must be at least 0"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
