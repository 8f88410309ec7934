"""The one reader: what it opens, and what is taken."""

import numpy as np
import pytest

from tests.media.material import encoded, photograph
from tests.media.video.films import Unbounded, blotted, film, greys, scenery, song
from unite.config.schema.media import Frames
from unite.media.video.container import UnusableVideoError
from unite.media.video.reader import opened, take


def taken(source, *clip, **rule):
    with opened(source, Unbounded()) as pictures:
        return take(pictures, Frames(**rule), lambda pixels: float(pixels.mean()), *clip)


@pytest.mark.parametrize("data", [film(greys(range(0, 200, 8)), options={"crf": "1"}), encoded(photograph(), "GIF")])
def test_a_path_and_its_bytes_are_one(data, tmp_path):
    (tmp_path / "a").write_bytes(data)
    assert taken(data) == taken(str(tmp_path / "a"))


def test_what_is_taken_comes_with_its_times():
    found = taken(film(greys(range(0, 200, 4)), options={"crf": "1"}), 0.5, 1.5, min_frames=3, max_frames=3)
    assert np.array(found.frames) / 4 == pytest.approx([12, 25, 37], abs=0.4)  # on the screen at 0.5, and nearest to 0.99 and 1.48
    assert found.times == pytest.approx((0.0, 0.5, 0.98)) and found.seconds == pytest.approx(1.0)


def test_a_frame_that_is_missing_makes_the_rule_choose_among_those_that_are_there():
    data = blotted(film(greys([100] * 50), codec="mjpeg", format="avi", pix_fmt="yuvj420p"), [0, 1, 2, 3, 4])
    found = taken(data, min_frames=4)
    assert len(found.frames) == 4 and found.remark.startswith("is damaged: 45 of 50 frames")
    assert found.seconds == pytest.approx(45 / 25) and found.times[0] == 0


class Impatient(Unbounded):
    def __init__(self, limit):
        super().__init__()
        self.limit = limit

    def count(self, number):
        super().count(number)
        if self.steps > self.limit:
            raise TimeoutError


def test_every_loop_asks_its_guard():
    data = film(scenery(30), options={"g": "5"})
    for limit in (5, 29, 31, 45):  # while packets are read, and while they are decoded
        with pytest.raises(TimeoutError), opened(data, Impatient(limit)) as pictures:
            take(pictures, Frames(min_frames=30, max_frames=30), len)


def test_sound_alone_is_told_by_its_codec():
    with pytest.raises(UnusableVideoError) as error:
        taken(song())
    assert (error.value.reason, error.value.detail) == ("sound alone", "holds sound alone (aac) and no picture")
