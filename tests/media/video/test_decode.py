import io
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from tests.media.material import decode, encoded, photograph
from unite.errors import DataError
from unite.media.picture import to_jpeg
from unite.media.video.clip import store_frames
from unite.media.video.reader import Taken
from unite.types import Modality


def video(num_frames=20, rate=10, size=32, format="mp4"):
    """A clip whose frame i is grey of level 10 * i."""
    out = io.BytesIO()
    with av.open(out, "w", format=format) as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "0", "threads": "1"})
        stream.width = stream.height = size
        stream.pix_fmt = "yuv444p"
        container.start_encoding()  # the header is written even if no frame follows
        for at in range(num_frames):
            frame = av.VideoFrame.from_ndarray(np.full((size, size, 3), 10 * at, np.uint8), format="rgb24")
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return out.getvalue()


@pytest.mark.parametrize("format", ["mp4", "matroska"])
def test_frames_are_picked_evenly_from_first_to_last(format):
    medium = decode(Modality.VIDEO, video(20, 10, format=format), fps=2, min_frames=2, max_frames=12)  # 2 s at 2 a second
    levels = medium.frames.mean(axis=(1, 2, 3))
    assert levels == pytest.approx([0, 60, 130, 190], abs=4)
    assert medium.seconds == pytest.approx((0, 0.6, 1.3, 1.9), abs=0.01)


def test_of_a_span_the_frames_are_those_of_a_file_cut_there():
    medium = decode(Modality.VIDEO, video(20, 10), min_frames=5, max_frames=5, start_seconds=0.4, end_seconds=1.3)  # frames 4 to 12
    assert medium.frames.mean(axis=(1, 2, 3)) == pytest.approx([40, 60, 80, 100, 120], abs=4)
    assert (medium.seconds, medium.duration) == (pytest.approx((0, 0.2, 0.4, 0.6, 0.8)), pytest.approx(0.9))
    whole = decode(Modality.VIDEO, video(20, 10), min_frames=5, max_frames=5)
    beyond = decode(Modality.VIDEO, video(20, 10), min_frames=5, max_frames=5, end_seconds=30)
    assert (whole.frames == beyond.frames).all() and len({medium.fingerprint, whole.fingerprint, beyond.fingerprint}) == 3


def test_a_video_that_ends_before_its_span_begins_says_so():
    expected = r"the video lasts 2\.00 s, and the clip is to begin at 40\.00 s\. Lower start_seconds, or leave the video out\."
    with pytest.raises(DataError, match=expected):
        decode(Modality.VIDEO, video(20, 10), start_seconds=40)


def test_the_middle_frames_of_equal_parts_are_another_medium():
    middle, even = (decode(Modality.VIDEO, video(20, 10), min_frames=4, max_frames=4, rule=rule) for rule in ("middle", "even"))
    assert middle.frames.mean(axis=(1, 2, 3)) == pytest.approx([20, 70, 120, 170], abs=4)
    assert middle.fingerprint != even.fingerprint


@pytest.mark.parametrize("format", ["mp4", "matroska", "mpegts"])
def test_times_at_a_constant_rate_are_counted_whatever_the_ticks_of_the_container(format):
    rate = Fraction(30_000, 1001)
    medium = decode(Modality.VIDEO, video(20, rate, format=format), min_frames=20, max_frames=20)
    assert medium.seconds == pytest.approx([number / float(rate) for number in range(20)], abs=1e-9)
    assert medium.duration == pytest.approx(20 / float(rate))


def test_a_frame_stands_for_its_share_of_the_video():
    medium = decode(Modality.VIDEO, video(20, 10), min_frames=4, max_frames=4)
    assert (medium.duration, medium.frame_gap) == (2.0, 0.5)  # and 1.9 / 3 s from frame to frame
    assert decode(Modality.VIDEO, video(1, 10)).frame_gap == 0.1


def test_equal_bytes_are_equal_and_other_frames_are_another_medium():
    clip = video(8)
    first, again = decode(Modality.VIDEO, clip), decode(Modality.VIDEO, clip)
    assert first.fingerprint == again.fingerprint != decode(Modality.VIDEO, clip, max_frames=5, min_frames=1).fingerprint


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"no film at all", r"the video cannot be decoded"),
        (video(0), r"the video cannot be decoded \(it has no video stream\)"),
        (encoded(photograph(), "PNG")[:60], r"(at least 1 frame long|cannot be decoded)"),
    ],
)
def test_broken_videos_are_refused(data, message):
    with pytest.raises(DataError, match=message):
        decode(Modality.VIDEO, data)


def test_a_playlist_cannot_open_another_file(tmp_path):
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(video())
    playlist = f"ffconcat version 1.0\nfile {secret}\n".encode()
    with pytest.raises(DataError, match="the video cannot be decoded"):
        decode(Modality.VIDEO, playlist)


def test_limits_hold():
    with pytest.raises(DataError, match=r"a video frame must be at most 100 pixels, but is '32 x 32'"):
        decode(Modality.VIDEO, video(), max_pixels=100)
    with pytest.raises(DataError, match=r"a video must be at most 5 frames long"):
        decode(Modality.VIDEO, video(8, format="matroska"), max_video_frames=5)


@pytest.mark.parametrize("form", ["mp4", "matroska"])
def test_a_deadline_holds(form):
    data = video(8, format=form)
    with pytest.raises(DataError, match=r"a video must be decoded within 1e-09 seconds, but is 'slower'"):
        decode(Modality.VIDEO, data, deadline_seconds=1e-9)
    in_time, any_time = (decode(Modality.VIDEO, data, deadline_seconds=seconds) for seconds in (1000, None))
    assert (in_time.frames == any_time.frames).all()
    assert in_time.fingerprint == any_time.fingerprint  # a limit is no part of what is decoded


def stored_clip(num_frames=6):
    """A clip as curation stores it: JPEGs in an MP4."""
    frames = np.random.default_rng(0).integers(0, 255, (num_frames, 4, 6, 3), np.uint8)
    images = [Image.fromarray(frame).resize((84, 56), Image.Resampling.BICUBIC) for frame in frames]
    taken = Taken(images, tuple(0.5 * at for at in range(num_frames)), 0.5 * num_frames, "")
    return store_frames(taken, 95), images


def test_stored_jpegs_give_the_pixels_of_the_jpegs():
    data, images = stored_clip()
    decoded = decode(Modality.VIDEO, data)
    expected = [np.asarray(Image.open(io.BytesIO(to_jpeg(image, 95)))) for image in images]
    # 3 s at 1 a second are 3 frames, and 4 are the fewest: 0, 5/3, 10/3 and 5 of the six, rounded
    assert (decoded.frames == np.stack([expected[at] for at in (0, 2, 3, 5)])).all()
    assert decoded.seconds == pytest.approx((0.0, 1.0, 1.5, 2.5), abs=1e-3)


def test_a_broken_frame_of_a_stored_clip_is_refused():
    data, _ = stored_clip()
    place = data.index(b"\xff\xd8\xff")
    broken = data[:place] + b"\0\0\0" + data[place + 3 :]
    with pytest.raises(DataError, match="the video cannot be decoded .*cannot identify image"):
        decode(Modality.VIDEO, broken)
