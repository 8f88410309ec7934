"""Images as they come from the web: every mode and animation, files that lie about what they are, bytes that flipped."""

import contextlib
import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.media.material import clip, damaged, decode, encoded, image_medium, load, photograph
from unite.config.schema.media import Decoding
from unite.errors import DataError, SkippedRowError, UniteError
from unite.media import kind_of
from unite.media.image import fit
from unite.media.ready import RawMedium
from unite.types import Modality


def image_of(data):
    return RawMedium(Modality.IMAGE, data=data)


def pixels(data):
    """What training sees of a stored image."""
    return decode(Modality.IMAGE, data).frames[0].astype(int)


def png(mode="RGB", size=(8, 6), color=(255, 0, 0)):
    return encoded(Image.new(mode, size, color), "PNG")


def png_header(width, height):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(b""))


def test_an_image_keeps_its_pixels():
    medium = decode(Modality.IMAGE, png())
    assert medium.frames.shape == (1, 6, 8, 3) and medium.seconds == (0.0,)
    assert (medium.frames == [255, 0, 0]).all()


def test_what_is_transparent_shows_white():
    assert (pixels(png("RGBA", color=(255, 0, 0, 0))) == 255).all()
    assert (pixels(png("L", color=7)) == 7).all()


def test_an_image_does_not_depend_on_the_video_settings():
    assert decode(Modality.IMAGE, png()).fingerprint == decode(Modality.IMAGE, png(), fps=2, min_frames=1, max_frames=5).fingerprint


@pytest.mark.parametrize(("data", "message"), [(b"no picture", "b'no pictu'"), (png()[:40], "cannot be decoded")])
def test_a_broken_image_is_refused(data, message):
    with pytest.raises(DataError, match=rf"the image cannot be decoded .*{message}" if message.startswith("b'") else message):
        decode(Modality.IMAGE, data)


def test_limits_hold():
    with pytest.raises(DataError, match=r"an image must be at most 10 pixels, but is '8 x 6'.*decoding.max_pixels"):
        decode(Modality.IMAGE, png(), max_pixels=10)


def test_a_pillow_image_is_encoded_without_loss():
    data, suffix = kind_of(Modality.IMAGE).encode(photograph(), Decoding(), "it")
    assert suffix == "png" and (pixels(data) == np.asarray(photograph())).all()
    assert kind_of(Modality.IMAGE).encode(b"bytes", Decoding(), "it") is None


def test_a_small_image_keeps_its_bytes():
    for format, extension in (("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp")):
        raw = image_medium(format=format)
        ready = load(raw).ready
        assert ready.data == raw.data and ready.extension == extension
        assert ready.size == (160, 120)


def test_an_image_above_the_cap_becomes_the_size_the_encoder_gives_it():
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize

    for width, height in ((640, 480), (481, 900), (3000, 100)):
        size = fit(width, height, 200 * 28 * 28, 28)
        assert size[::-1] == smart_resize(height, width, factor=28, min_pixels=28 * 28, max_pixels=200 * 28 * 28)
    assert fit(160, 120, 200 * 28 * 28, 28) == (160, 120)
    ready = load(image_medium(photograph(1, 640, 480)), max_pixels=100 * 28 * 28).ready
    stored = Image.open(io.BytesIO(ready.data))
    assert stored.format == "JPEG" and stored.size == ready.size == fit(640, 480, 100 * 28 * 28, 28)
    expected = np.asarray(photograph(1, 640, 480).resize(stored.size, Image.Resampling.BICUBIC)).astype(int)
    assert np.abs(np.asarray(stored).astype(int) - expected).mean() < 3


def test_what_is_turned_is_stored_upright_and_what_no_decoder_is_sure_of_as_jpeg():
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees to the right
    upright = load(image_medium(exif=exif)).ready
    assert upright.size == (120, 160) and upright.extension == "jpg"
    assert load(image_medium(format="BMP")).ready.extension == "jpg"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"no picture", "broken image"),
        (encoded(photograph())[:600], "broken image"),
        (png_header(30_000, 30_000), "decompression bomb"),
        (png_header(60_000, 60_000), "decompression bomb"),
    ],
)
def test_what_cannot_be_used_is_named_by_reason(data, reason):
    with pytest.raises(SkippedRowError) as skipped:
        load(image_of(data)).ready  # noqa: B018
    assert skipped.value.reason == reason


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_an_animation_is_its_first_picture(format):
    frames = [photograph(at, 60, 40) for at in range(3)]
    ready = load(image_of(encoded(frames[0], format, save_all=True, append_images=frames[1:], lossless=True))).ready
    assert ready.extension == "jpg"
    assert np.abs(pixels(ready.data) - np.asarray(frames[0]).astype(int)).mean() < 10  # a GIF has 256 colours


def test_cmyk_is_stored_as_rgb():
    ready = load(image_of(encoded(photograph().convert("CMYK")))).ready
    assert Image.open(io.BytesIO(ready.data)).mode == "RGB"
    assert np.abs(pixels(ready.data) - np.asarray(photograph()).astype(int)).mean() < 6


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_greys_of_16_bits_are_scaled_and_not_cut_off(format):
    greys = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (48, 1))
    data = encoded(Image.fromarray(greys), format)
    for seen in (pixels(data), pixels(load(image_of(data)).ready.data)):
        assert np.abs(seen - (greys // 257)[..., None]).max() < 4


def test_palettes_and_bits_keep_their_bytes():
    for image in (photograph().quantize(16), photograph().convert("1"), photograph().convert("L")):
        data = encoded(image, "PNG")
        assert load(image_of(data)).ready.data == data
        assert (pixels(data) == np.asarray(image.convert("RGB"))).all()


def test_what_is_stored_anew_depends_on_the_pixels_alone():
    plain, marked = (encoded(photograph().quantize(16), "GIF", comment=comment) for comment in (b"", b"made by somebody"))
    assert plain != marked and load(image_of(plain)).ready.data == load(image_of(marked)).ready.data


def test_one_pixel_is_an_image():
    ready = load(image_of(encoded(Image.new("RGB", (1, 1), "red"), "PNG"))).ready
    assert ready.size == (1, 1) and pixels(ready.data).tolist() == [[[255, 0, 0]]]


def test_the_bytes_say_the_format_not_the_name(tmp_path):
    (tmp_path / "lie.jpg").write_bytes(encoded(photograph(), "PNG"))
    assert load(RawMedium(Modality.IMAGE, str(tmp_path / "lie.jpg"))).ready.extension == "png"


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "broken image: .*cannot identify image file; it begins with b.<svg"),
        (b"<!doctype html><html>404</html>", "broken image: .*it begins with b'<!doctype ht'"),
        (EPS, "broken image: .*it begins with b'%!PS"),  # Ghostscript would run it
        (clip(3), "broken image: .*cannot identify"),
        (encoded(Image.new("F", (9, 9)), "TIFF"), "broken image: .*32 bits .F. without a range"),
        (encoded(Image.new("RGB", (2001, 10)), "PNG"), "image too long drawn: .* is 2001 x 10, which no encoder takes"),
    ],
)
def test_what_is_no_image_is_told(data, message):
    with pytest.raises(SkippedRowError, match=message):
        load(image_of(data)).ready  # noqa: B018


def test_a_side_that_jpeg_cannot_hold_is_told():
    wide = encoded(Image.new("RGB", (66_000, 400)), "BMP")
    with pytest.raises(SkippedRowError, match="broken image: .* 66000 x 400 cannot be stored as JPEG"):
        load(image_of(wide), max_pixels=30_000_000).ready  # noqa: B018


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
            for use in (lambda broken=broken: load(image_of(broken), max_source_pixels=10**6).ready, lambda broken=broken: pixels(broken)):
                with contextlib.suppress(UniteError):  # anything else would end a run of days
                    use()
