import io

import av
import numpy as np
import pytest
from PIL import Image

from unite.curation.media import to_jpeg
from unite.curation.video import store_frames
from unite.data.decode import Decoding, decode_content, decode_medium, decode_row
from unite.data.rows import Row, StoredContent, StoredMedium
from unite.errors import ConfigError, DataError
from unite.types import Modality


def image(mode="RGB", size=(8, 6), color=(255, 0, 0), format="PNG"):
    out = io.BytesIO()
    Image.new(mode, size, color).save(out, format)
    return StoredMedium(Modality.IMAGE, out.getvalue(), format.lower())


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
    return StoredMedium(Modality.VIDEO, out.getvalue(), format)


def test_an_image_keeps_its_pixels():
    medium = decode_medium(image(), Decoding())
    assert medium.frames.shape == (1, 6, 8, 3) and medium.seconds == (0.0,)
    assert (medium.frames == [255, 0, 0]).all()


def test_what_is_transparent_shows_white():
    assert (decode_medium(image("RGBA", color=(255, 0, 0, 0)), Decoding()).frames == 255).all()
    assert (decode_medium(image("L", color=7), Decoding()).frames == 7).all()


@pytest.mark.parametrize("format", ["mp4", "matroska"])
def test_frames_are_picked_evenly_from_first_to_last(format):
    medium = decode_medium(video(20, 10, format=format), Decoding(fps=2, min_frames=2, max_frames=12))  # 2 s at 2 a second
    levels = medium.frames.mean(axis=(1, 2, 3))
    assert levels == pytest.approx([0, 60, 130, 190], abs=4)
    assert medium.seconds == pytest.approx((0, 0.6, 1.3, 1.9), abs=0.01)


def test_frame_counts_stay_in_their_bounds():
    assert len(Decoding(fps=1, min_frames=4, max_frames=12).pick(1000, 100.0)) == 12
    assert len(Decoding(fps=1, min_frames=4, max_frames=12).pick(1000, 1.0)) == 4
    assert Decoding(fps=1, min_frames=4, max_frames=12).pick(3, 1.0).tolist() == [0, 1, 2]


def test_equal_bytes_are_equal_and_other_frames_are_another_medium():
    clip = video(8)
    first, again = decode_medium(clip, Decoding()), decode_medium(clip, Decoding())
    assert first.fingerprint == again.fingerprint != decode_medium(clip, Decoding(max_frames=5, min_frames=1)).fingerprint


@pytest.mark.parametrize(
    ("medium", "message"),
    [
        (StoredMedium(Modality.IMAGE, b"no picture", "png"), r"the image cannot be decoded .* b'no pictu'"),
        (StoredMedium(Modality.IMAGE, image().data[:40], "png"), r"the image cannot be decoded"),
        (StoredMedium(Modality.IMAGE, b"", "jpg"), r"the image must be a \.jpg file with content, but is '0 bytes long'"),
        (StoredMedium(Modality.VIDEO, b"no film at all", "mp4"), r"the video cannot be decoded"),
        (StoredMedium(Modality.VIDEO, b"", "mp4"), r"the video must be a \.mp4 file with content"),
        (StoredMedium(Modality.VIDEO, video(0).data, "mp4"), r"the video cannot be decoded \(it has no video stream\)"),
        (StoredMedium(Modality.VIDEO, image(format="PNG").data[:60], "mp4"), r"(at least 1 frame long|cannot be decoded)"),
    ],
)
def test_broken_media_are_refused(medium, message):
    with pytest.raises(DataError, match=message):
        decode_medium(medium, Decoding())


def test_a_playlist_cannot_open_another_file(tmp_path):
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(video().data)
    playlist = StoredMedium(Modality.VIDEO, f"ffconcat version 1.0\nfile {secret}\n".encode(), "mp4")
    with pytest.raises(DataError, match="the video cannot be decoded"):
        decode_medium(playlist, Decoding())


def test_limits_hold():
    with pytest.raises(DataError, match=r"an image must be at most 10 pixels, but is '8 x 6'.*decoding.max_pixels"):
        decode_medium(image(), Decoding(max_pixels=10))
    with pytest.raises(DataError, match=r"a video frame must be at most 100 pixels, but is '32 x 32'"):
        decode_medium(video(), Decoding(max_pixels=100))
    with pytest.raises(DataError, match=r"a video must be at most 5 frames long"):
        decode_medium(video(8, format="matroska"), Decoding(max_video_frames=5))
    with pytest.raises(ConfigError, match=r"decoding.fps must be above 0, but is 0"):
        Decoding(fps=0)
    with pytest.raises(ConfigError, match=r"decoding.min_frames must be from 1 to max_frames \(12\), but is 13"):
        Decoding(min_frames=13)


def test_an_empty_content_is_refused_and_the_sample_named():
    with pytest.raises(DataError, match="a content must be a text, an image or a video"):
        decode_content(StoredContent(text="  "), Decoding())
    row = Row("7", StoredContent(text="a"), (StoredContent(text=""),))
    with pytest.raises(DataError, match="sample world/x.tar/7: a content must be"):
        decode_row(row, "world/x.tar/7", "world", Decoding())


def stored_clip(num_frames=6):
    """A clip as curation stores it: JPEGs in an MP4."""
    frames = np.random.default_rng(0).integers(0, 255, (num_frames, 4, 6, 3), np.uint8)
    images = [Image.fromarray(frame).resize((84, 56), Image.Resampling.BICUBIC) for frame in frames]
    data = store_frames([(0.5 * at, image) for at, image in enumerate(images)], 0.5 * num_frames, 95)
    return StoredMedium(Modality.VIDEO, data, "mp4"), images


def test_stored_jpegs_give_the_pixels_of_the_jpegs():
    medium, images = stored_clip()
    decoded = decode_medium(medium, Decoding())
    expected = [np.asarray(Image.open(io.BytesIO(to_jpeg(image, 95)))) for image in images]
    # 3 s at 1 a second are 3 frames, and 4 are the fewest: 0, 5/3, 10/3 and 5 of the six, rounded
    assert (decoded.frames == np.stack([expected[at] for at in (0, 2, 3, 5)])).all()
    assert decoded.seconds == pytest.approx((0.0, 1.0, 1.5, 2.5), abs=1e-3)


def test_a_broken_frame_of_a_stored_clip_is_refused():
    medium, _ = stored_clip()
    at = medium.data.index(b"\xff\xd8\xff")
    broken = StoredMedium(Modality.VIDEO, medium.data[:at] + b"\0\0\0" + medium.data[at + 3 :], "mp4")
    with pytest.raises(DataError, match="the video cannot be decoded .*cannot identify image"):
        decode_medium(broken, Decoding())
