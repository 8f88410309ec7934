"""Media as they come from the web: every mode and animation of images, files that lie about what they are, bytes that flipped."""

import contextlib
import io
import random
import warnings
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from tests.curation.material import clip, encoded, photograph, video_medium
from unite.curation.loaded import LoadedMedium
from unite.curation.media import MediaPolicy
from unite.curation.raw import RawMedium, SkippedRowError
from unite.data.decode import Decoding, decode_medium
from unite.data.rows import StoredMedium
from unite.errors import UniteError
from unite.types import Modality


def load(data, modality=Modality.IMAGE, **policy):
    return LoadedMedium(RawMedium(modality, data=data), MediaPolicy(**policy))


def pixels(data):
    """What training sees of a stored image."""
    return decode_medium(StoredMedium(Modality.IMAGE, data, "x"), Decoding()).frames[0].astype(int)


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_an_animation_is_its_first_picture(format):
    frames = [photograph(at, 60, 40) for at in range(3)]
    ready = load(encoded(frames[0], format, save_all=True, append_images=frames[1:], lossless=True)).ready
    assert ready.stored.extension == "jpg"
    assert np.abs(pixels(ready.stored.data) - np.asarray(frames[0]).astype(int)).mean() < 10  # a GIF has 256 colours


def test_cmyk_is_stored_as_rgb():
    ready = load(encoded(photograph().convert("CMYK"))).ready
    assert Image.open(io.BytesIO(ready.stored.data)).mode == "RGB"
    assert np.abs(pixels(ready.stored.data) - np.asarray(photograph()).astype(int)).mean() < 6


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_greys_of_16_bits_are_scaled_and_not_cut_off(format):
    greys = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (48, 1))
    data = encoded(Image.fromarray(greys), format)
    for seen in (pixels(data), pixels(load(data).ready.stored.data)):
        assert np.abs(seen - (greys // 257)[..., None]).max() < 4


def test_palettes_and_bits_keep_their_bytes():
    for image in (photograph().quantize(16), photograph().convert("1"), photograph().convert("L")):
        data = encoded(image, "PNG")
        assert load(data).ready.stored.data == data
        assert (pixels(data) == np.asarray(image.convert("RGB"))).all()


def test_one_pixel_is_an_image():
    ready = load(encoded(Image.new("RGB", (1, 1), "red"), "PNG")).ready
    assert (ready.width, ready.height) == (1, 1) and pixels(ready.stored.data).tolist() == [[[255, 0, 0]]]


def test_the_bytes_say_the_format_not_the_name(tmp_path):
    (tmp_path / "lie.jpg").write_bytes(encoded(photograph(), "PNG"))
    assert LoadedMedium(RawMedium(Modality.IMAGE, str(tmp_path / "lie.jpg")), MediaPolicy()).ready.stored.extension == "png"


def song():
    """Sound without a picture."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=16000)
        stream.layout = "mono"
        for at in range(10):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16000, at * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"


@pytest.mark.parametrize(
    ("modality", "data", "message"),
    [
        (Modality.IMAGE, b"<svg xmlns='http://www.w3.org/2000/svg'/>", "broken image: .*cannot identify image file; it begins with b.<svg"),
        (Modality.IMAGE, b"<!doctype html><html>404</html>", "broken image: .*it begins with b'<!doctype ht'"),
        (Modality.IMAGE, EPS, "broken image: .*it begins with b'%!PS"),  # Ghostscript would run it
        (Modality.IMAGE, clip(3), "broken image: .*cannot identify"),
        (Modality.IMAGE, encoded(Image.new("F", (9, 9)), "TIFF"), "broken image: .*32 bits .F. without a range"),
        (Modality.IMAGE, encoded(Image.new("RGB", (2001, 10)), "PNG"), "image too long drawn: .* is 2001 x 10, which no encoder takes"),
        (Modality.VIDEO, encoded(photograph()), "broken video"),
        (Modality.VIDEO, song(), "broken video: .*it has no video stream"),
    ],
)
def test_what_is_not_what_it_is_called_is_told(modality, data, message):
    with pytest.raises(SkippedRowError, match=message):
        load(data, modality).ready  # noqa: B018


def test_a_side_that_jpeg_cannot_hold_is_told():
    wide = encoded(Image.new("RGB", (66_000, 400)), "BMP")
    with pytest.raises(SkippedRowError, match="broken image: .* 66000 x 400 cannot be stored as JPEG"):
        load(wide, max_pixels=30_000_000).ready  # noqa: B018


def test_a_file_that_may_not_be_read_is_left_out(tmp_path, monkeypatch):
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded(photograph()))
    medium = LoadedMedium(RawMedium(Modality.IMAGE, str(path)), MediaPolicy())
    assert medium.num_bytes
    path.unlink()  # between the look at its size and the reading, as on a network drive
    with pytest.raises(SkippedRowError, match="unreadable file: .*a.jpg: No such file"):
        medium.ready  # noqa: B018


def test_one_frame_is_a_video():
    ready = load(clip(1), Modality.VIDEO).ready
    assert len(decode_medium(ready.stored, Decoding()).frames) == 1


@pytest.mark.parametrize("format", ["mp4", "matroska"])
def test_frames_of_a_variable_rate_are_those_picked(format):
    """50 frames in half a second, then one a second: frame i is grey of level 4 i."""
    times = [at * 0.01 for at in range(50)] + [0.5 + at for at in range(10)]
    out = io.BytesIO()
    with av.open(out, "w", format=format) as container:
        stream = container.add_stream("libx264", rate=30, options={"threads": "1", "crf": "5"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for at, second in enumerate(times):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 4 * at, np.uint8), format="rgb24")
            frame.pts, frame.time_base = round(second * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    after = decode_medium(load(out.getvalue(), Modality.VIDEO, min_frames=12).ready.stored, Decoding(min_frames=12))
    picked = Decoding(min_frames=12).pick(60, 9.5).tolist()
    assert after.frames.mean(axis=(1, 2, 3)) / 4 == pytest.approx(picked, abs=0.4)
    assert after.seconds == pytest.approx([times[at] for at in picked], abs=2e-3)


def damaged(data, seed):
    """The data with a few bytes changed, more often near the beginning, and sometimes cut."""
    rng = random.Random(seed)
    data = bytearray(data)
    for _ in range(rng.choice([1, 2, 4, 20])):
        data[rng.randrange(min(len(data), rng.choice([30, 200, len(data)])))] = rng.randrange(256)
    return bytes(data[: rng.randrange(1, len(data))] if rng.random() < 0.2 else data)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "ICO", "TGA", "AVIF"])
def test_damaged_images_are_left_out_and_end_nothing(format):
    if format == "AVIF" and "AVIF" not in Image.SAVE:
        pytest.skip("this Pillow has no AVIF")
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a picture"
    data = encoded(photograph(0, 24, 18), format, exif=exif)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed in range(60):
            broken = damaged(data, seed)
            for use in (lambda broken=broken: load(broken, max_source_pixels=10**6).ready, lambda broken=broken: pixels(broken)):
                with contextlib.suppress(UniteError):  # anything else would end a run of days
                    use()


@pytest.mark.parametrize("format", ["mp4", "matroska", "avi", "mpegts"])
def test_damaged_videos_are_left_out_and_end_nothing(format):
    data = clip(8, 4, 64, 48, format=format)
    if format == "mp4":
        data = random.Random(0).choice([data, load(data, Modality.VIDEO).ready.stored.data])
    for seed in range(20):
        broken = damaged(data, seed)
        stored = StoredMedium(Modality.VIDEO, broken, format)
        for use in (lambda broken=broken: load(broken, Modality.VIDEO).ready, lambda stored=stored: decode_medium(stored, Decoding())):
            with contextlib.suppress(UniteError):
                use()


def test_a_codec_nobody_knows_is_a_broken_video():
    data = bytearray(clip(3))
    at = data.index(b"avc1", data.index(b"stsd"))
    data[at : at + 4] = b"zzzz"
    for use in (
        lambda: load(bytes(data), Modality.VIDEO).ready,
        lambda: decode_medium(StoredMedium(Modality.VIDEO, bytes(data), "mp4"), Decoding()),
    ):
        with pytest.raises(UniteError, match="codec of its video is not known|broken video|cannot be decoded"):
            use()


def test_a_clip_past_the_end_of_its_video_ends_with_it():
    assert LoadedMedium(video_medium(clip(30, 10), 2.0, 99.0), MediaPolicy()).seconds == pytest.approx(1.0)
