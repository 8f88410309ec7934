from unite.config.schema.media import Frames
from unite.media.video.frames import pick


def test_frame_counts_stay_in_their_bounds():
    frames = Frames(fps=1, min_frames=4, max_frames=12)
    assert len(pick(1000, 100.0, frames)) == 12
    assert len(pick(1000, 1.0, frames)) == 4
    assert pick(3, 1.0, frames).tolist() == [0, 1, 2]


def test_frames_are_spread_from_the_first_to_the_last():
    assert pick(100, 10.0, Frames()).tolist() == [0, 11, 22, 33, 44, 55, 66, 77, 88, 99]
