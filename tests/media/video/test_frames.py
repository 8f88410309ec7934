from itertools import pairwise

import numpy as np
import pytest

from unite.config.schema.media import Frames
from unite.media.video.container import UnusableVideoError
from unite.media.video.frames import Timeline


def constant(num_frames, rate):
    return Timeline(np.arange(num_frames) / rate, num_frames / rate)


def nearest(timeline, wanted):
    """The rule, moment by moment."""
    moments = [timeline.times[-1] * at / (wanted - 1) for at in range(wanted)]
    return sorted({min(range(len(timeline.times)), key=lambda frame: abs(timeline.times[frame] - moment)) for moment in moments})


def test_frame_counts_stay_in_their_bounds():
    frames = Frames(fps=1, min_frames=4, max_frames=12)
    assert len(constant(1000, 10).pick(frames)) == 12
    assert len(constant(1000, 1000).pick(frames)) == 4
    assert constant(3, 3).pick(frames).tolist() == [0, 1, 2]


def test_frames_are_spread_from_the_first_to_the_last():
    assert constant(100, 10).pick(Frames()).tolist() == [0, 11, 22, 33, 44, 55, 66, 77, 88, 99]


@pytest.mark.parametrize("rate", [2, 24, 25, 30_000 / 1001])
def test_at_a_constant_rate_the_numbers_of_the_frames_are_spread_evenly(rate):
    for num_frames in (5, 26, 30, 59, 250, 1000):
        for wanted in range(2, min(num_frames, 50)):
            picked = constant(num_frames, rate).pick(Frames(min_frames=wanted, max_frames=wanted))
            assert picked.tolist() == np.linspace(0, num_frames - 1, wanted).round().tolist()


def test_the_middle_of_equal_parts_is_that_of_carebench():
    # 10 frames in 4 runs are 0 1 | 2 3 4 | 5 6 | 7 8 9, at whatever rate.
    uneven = Timeline(np.arange(10) ** 2 / 10, 10.0)
    for timeline in (constant(10, 5), uneven):
        assert timeline.pick(Frames(min_frames=4, max_frames=4, rule="middle")).tolist() == [0, 3, 5, 8]
    for num_frames in (32, 33, 47, 100, 331):
        for wanted in (1, 4, 8, 32):
            bounds = [int(num_frames * at / wanted) for at in range(wanted + 1)]
            runs = [list(range(start, end)) for start, end in pairwise(bounds)]
            frames = Frames(min_frames=wanted, max_frames=wanted, rule="middle")
            assert constant(num_frames, 25).pick(frames).tolist() == [run[(len(run) - 1) // 2] for run in runs]
    assert constant(3, 3).pick(Frames(rule="middle")).tolist() == [0, 1, 2]


def test_at_a_variable_rate_it_counts_when_a_frame_is_shown():
    chance = np.random.default_rng(0)
    for _ in range(50):
        times = np.cumsum(chance.exponential(size=30) ** 3)
        timeline = Timeline(times - times[0], float(times[-1] - times[0]) + 1)
        for wanted in (2, 5, 12):
            assert timeline.pick(Frames(min_frames=wanted, max_frames=wanted)).tolist() == nearest(timeline, wanted)


def test_a_picture_that_stands_for_long_is_taken_once():
    timeline = Timeline(np.array([0.0, 0.1, 0.2, 0.3, 0.4, 60.0]), 60.1)
    assert timeline.pick(Frames(min_frames=5, max_frames=5)).tolist() == [0, 4, 5]


def test_what_is_taken_of_a_clip_is_taken_again_of_its_frames_alone():
    chance = np.random.default_rng(1)
    for num_frames in (4, 10, 40, 200):
        times = np.cumsum(chance.exponential(size=num_frames) ** 2)
        clip = Timeline(times - times[0], float(times[-1] - times[0]) + 0.5).clip(0.3, None)
        picked = clip.pick(Frames())
        stored = Timeline((clip.times[picked] * 90_000).round() / 90_000, round(clip.seconds * 90_000) / 90_000)
        assert stored.pick(Frames()).tolist() == list(range(len(picked)))


def test_a_clip_is_what_is_on_the_screen():
    timeline = Timeline(np.array([0.0, 1.0, 5.0, 5.5]), 6.0)
    clip = timeline.clip(3.0, 5.5)  # the frame of 1.0 is still shown at 3.0, and that of 5.5 comes on as the clip ends
    assert (clip.first, clip.times.tolist(), clip.seconds) == (1, [0.0, 2.0], 2.5)
    assert timeline.clip(1.0, 1.1).times.tolist() == [0.0]
    assert timeline.clip(5.9, 99).seconds == pytest.approx(0.1)
    whole = timeline.clip(None, None)
    assert (whole.times.tolist(), whole.seconds, whole.first) == (timeline.times.tolist(), 6.0, 0)


@pytest.mark.parametrize(
    ("start", "end", "reason", "detail"),
    [
        (6.0, None, "clip past the end", "lasts 6.00 s, and the clip is to begin at 6.00 s"),
        (7.0, 9.0, "clip past the end", "lasts 6.00 s, and the clip is to begin at 7.00 s"),
        (2.0, 2.0, "empty clip", "is meant from 2.0 to 2.0 s"),
        (3.0, 2.0, "empty clip", "is meant from 3.0 to 2.0 s"),
        (0.0, float("nan"), "empty clip", "is meant from 0.0 to nan s"),
    ],
)
def test_a_clip_of_nothing_is_told(start, end, reason, detail):
    with pytest.raises(UnusableVideoError) as error:
        Timeline(np.array([0.0, 1.0, 5.0, 5.5]), 6.0).clip(start, end)
    assert (error.value.reason, error.value.detail) == (reason, detail)


def test_times_that_a_container_has_rounded_are_counted():
    rate = 30_000 / 1001
    told = [round(1000 * number / rate) for number in range(300)]
    timeline = Timeline.of_stamps(told, 1 / 1000, rate, 0.033)
    assert (timeline.times == np.arange(300) / rate).all()
    assert timeline.seconds == 300 / rate
    late = Timeline.of_stamps([*told[:200], *(stamp + 500 for stamp in told[200:])], 1 / 1000, rate, 0.033)
    assert late.times[250] == pytest.approx(250 / rate + 0.5, abs=1e-3)
    assert late.seconds == pytest.approx(299 / rate + 0.5 + 0.033, abs=1e-3)
