"""A picture as a viewer shows it. Files of these kinds were laid beside Chromium's pictures of them once: off by at most 1 of 255."""

import base64
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from tests.media.material import decode, encoded, load, photograph
from unite.config.schema.media import Decoding
from unite.errors import DataError, SkippedRowError
from unite.media import kind_of
from unite.media.picture import open_picture
from unite.media.ready import RawMedium
from unite.media.shown import as_shown, is_plain, on_white, shown_size
from unite.types import Modality

PHOTOGRAPH = photograph(1, 60, 40)
GREYS = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (48, 1))
GREYS[0, 1] = 1023  # white of a scan of 10 bits

#: 48 x 32: red on the left, blue on the right, and green below the red. Written by pillow-heif (libheif with x265).
HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAb5tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAADRpbG9jAAAAAERAAAIA"
    "AQAAAAAB4gABAAAAAAAAADYAAgAAAAACGAABAAAAAAAAACQAAAA4aWluZgAAAAAAAgAAABVpbmZlAgAAAAABAABodmMxAAAAABVpbmZlAgAAAQACAABFeGlm"
    "AAAAAA5waXRtAAAAAAABAAAA/WlwcnAAAADdaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroC"
    "QGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAA"
    "AAAAQAAAAEAAAAAoY2xhcAAAADAAAAABAAAAIAAAAAH////wAAAAAv///+AAAAACAAAAEHBpeGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAA"
    "ABppcmVmAAAAAAAAAA5jZHNjAAIAAQABAAAAYm1kYXQAAAAyKAGvE4DlMff/w40/6Z9P9dZLBLP8z4+8Oqv8Krv4VG0+Zrf4Jp/pePdeNbOvN6fJFpAAAAAG"
    "RXhpZgAATU0AKgAAAAgAAQESAAMAAAABAAYAAAAAAAA="
)


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def png(pixels, colour_type, *chunks):
    """A PNG of (H, W) or (H, W, C) numbers of 8 or 16 bits, by the specification."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    depth = 8 * pixels.itemsize
    rows = b"".join(b"\0" + row.astype(pixels.dtype.newbyteorder(">")).tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], depth, colour_type, 0, 0, 0)
    body = chunk(b"IHDR", header) + b"".join(chunk(*one) for one in chunks) + chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def tiff(width, bits, photometric, data):
    """A TIFF of one row of greys, by the specification."""
    data += bytes(len(data) % 2)
    tags = {256: width, 257: 1, 258: bits, 259: 1, 262: photometric, 273: 8, 277: 1, 278: 1, 279: len(data)}
    entries = b"".join(struct.pack("<HHII", tag, 4 if tag in (273, 279) else 3, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(tags)) + entries + bytes(4)


def planar_tiff(planes):
    """A TIFF of colours (3, H, W), plane by plane, by the specification."""
    num_bytes, pictures = planes[0].nbytes, planes.astype(planes.dtype.newbyteorder("<")).tobytes()
    behind = 8 + len(pictures)  # three lists of three numbers: bits, offsets, lengths
    lists = [[8 * planes.itemsize] * 3, [8 + num_bytes * at for at in range(3)], [num_bytes] * 3]
    tags = {256: (1, planes.shape[2]), 257: (1, planes.shape[1]), 258: (3, behind), 259: (1, 1), 262: (1, 2), 273: (3, behind + 12)}
    tags |= {277: (1, 3), 278: (1, planes.shape[1]), 279: (3, behind + 24), 284: (1, 2)}
    entries = b"".join(struct.pack("<HHII", tag, 4, count, value) for tag, (count, value) in tags.items())
    numbers = b"".join(struct.pack("<III", *values) for values in lists)
    return b"II*\0" + struct.pack("<I", behind + 36) + pictures + numbers + struct.pack("<H", len(tags)) + entries + bytes(4)


def gif(width, height, left, top, side, entry):
    """A GIF whose one picture, a square of one colour, fills a part of its canvas; the background is red. By the specification."""
    codes = [code for _ in range(side * side) for code in (4, entry)] + [5]  # of 3 bits: the table is cleared before each pixel
    bits = "".join(f"{code:03b}"[::-1] for code in codes)
    data = bytes(int(bits[at : at + 8][::-1], 2) for at in range(0, len(bits), 8))
    blocks = b"".join(bytes([len(block)]) + block for block in (data[at : at + 255] for at in range(0, len(data), 255)))
    colours = bytes([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    screen = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x91, 0, 0) + colours
    return screen + b"," + struct.pack("<HHHHB", left, top, side, side, 0) + b"\2" + blocks + b"\0;"


def webp(width, height, left, top, side, colour, *, alpha):
    """An animated WebP whose first picture, a square of one colour, fills a part of its canvas. By the specification."""

    def chunk(name, data):
        return name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)

    def number(value):
        return struct.pack("<I", value)[:3]

    first, second = (encoded(Image.new("RGB", size, colour), "WEBP", lossless=True)[12:] for size in ((side, side), (width, height)))
    body = chunk(b"VP8X", bytes([2 | 16 * alpha, 0, 0, 0]) + number(width - 1) + number(height - 1))
    body += chunk(b"ANIM", bytes([0, 0, 255, 255, 0, 0]))  # its background, which nobody shows, is red
    for x, y, wide, high, data in ((left, top, side, side, first), (0, 0, width, height, second)):
        numbers = b"".join(map(number, (x // 2, y // 2, wide - 1, high - 1, 100)))
        body += chunk(b"ANMF", numbers + b"\0" + data)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def swapped(colour_space=b"RGB "):
    """A profile in which red is blue and blue is red: sRGB's own with two names exchanged."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace(b"rXYZ", b"0XYZ", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"0XYZ", b"bXYZ", 1)
    return profile.replace(b"RGB ", colour_space, 1)


def seen(data):
    """The pixels that training sees of a file; of what curation stores of it and of the same image handed over, training sees the same."""
    pixels = decode(Modality.IMAGE, data).frames[0].astype(int)
    ready = load(RawMedium(Modality.IMAGE, data=data), jpeg_quality=95).ready
    curated = decode(Modality.IMAGE, ready.data).frames[0].astype(int)
    assert curated.shape == pixels.shape and np.abs(curated - pixels).mean() < (12 if ready.extension == "jpg" else 1e-9)
    handed, _ = kind_of(Modality.IMAGE).encode(Image.open(io.BytesIO(data)), Decoding(), "it")
    assert (decode(Modality.IMAGE, handed).frames[0] == pixels).all()
    return pixels


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_turn_is_obeyed(format, orientation):
    data = encoded(PHOTOGRAPH, format, exif=turned(orientation), quality=95)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert (seen(data) == np.asarray(expected)).all()
    assert shown_size(open_picture(data)) == expected.size == ((60, 40) if orientation < 5 else (40, 60))
    facts = load(RawMedium(Modality.IMAGE, data=data)).facts()
    assert facts["size"] == facts["stored_size"] == list(expected.size)


def test_an_orientation_that_cannot_be_read_turns_nothing():
    data = encoded(PHOTOGRAPH, exif=turned(6))
    for broken in (data.replace(b"MM\0*", b"ZZ\0*").replace(b"II*\0", b"ZZ*\0"), encoded(PHOTOGRAPH, exif=turned(77))):
        assert broken != data and (seen(broken) == np.asarray(Image.open(io.BytesIO(encoded(PHOTOGRAPH))))).all()


def test_a_turn_that_stands_behind_the_pixels_is_in_the_facts():
    exif = turned(6).tobytes().removeprefix(b"Exif\0\0")
    data = png(np.asarray(PHOTOGRAPH), 2)
    end = len(data) - 12
    late = data[:end] + struct.pack(">I", len(exif)) + b"eXIf" + exif + struct.pack(">I", zlib.crc32(b"eXIf" + exif)) + data[end:]
    assert load(RawMedium(Modality.IMAGE, data=late)).facts()["size"] == [40, 60] and seen(late).shape == (60, 40, 3)


@pytest.mark.parametrize("alpha", [0, 1, 128, 255])
def test_transparency_is_laid_on_white(alpha):
    colour = (200, 100, 50)
    expected = [(value * alpha + 255 * (255 - alpha)) / 255 for value in colour]
    assert np.abs(seen(encoded(Image.new("RGBA", (4, 3), (*colour, alpha)), "PNG")) - expected).max() <= 1
    grey = encoded(Image.merge("LA", [Image.new("L", (4, 3), 200), Image.new("L", (4, 3), alpha)]), "PNG")
    assert np.abs(seen(grey) - expected[0]).max() <= 1


def test_one_colour_or_entry_of_a_palette_may_be_transparent():
    palette = PHOTOGRAPH.quantize(16)
    indices, colours = np.asarray(palette), np.asarray(palette.convert("RGB"))
    assert (seen(encoded(palette, "PNG")) == colours).all()
    assert (seen(encoded(palette, "PNG", transparency=3)) == np.where(indices[..., None] == 3, 255, colours)).all()
    red, green, blue = (int(value) for value in np.asarray(PHOTOGRAPH)[5, 5])
    of_rgb = seen(png(np.asarray(PHOTOGRAPH), 2, (b"tRNS", struct.pack(">HHH", red, green, blue))))
    assert (of_rgb == np.where((np.asarray(PHOTOGRAPH) == [red, green, blue]).all(-1)[..., None], 255, np.asarray(PHOTOGRAPH))).all()


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_a_grey_of_few_bits_may_be_transparent(depth):
    greys = np.arange(8)[None] % 2**depth
    row = int("".join(f"{grey:0{depth}b}" for grey in greys[0]), 2).to_bytes(depth, "big")
    data = png(np.frombuffer(row, np.uint8)[None], 0, (b"tRNS", struct.pack(">H", 1)))
    header = struct.pack(">IIBBBBB", 8, 1, depth, 0, 0, 0, 0)
    data = data[:16] + header + struct.pack(">I", zlib.crc32(b"IHDR" + header)) + data[33:]
    assert seen(data)[0, :, 0].tolist() == [255 if grey == 1 else round(grey * 255 / (2**depth - 1)) for grey in greys[0].tolist()]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (png(np.zeros((2, 2, 3), np.uint16), 2, (b"tRNS", bytes(6))), "its colours have 16 bits and one of them is transparent"),
        (planar_tiff(np.arange(300, dtype=np.uint16).reshape(3, 10, 10) * 200), "its colours have 16 bits and lie plane by plane"),
    ],
)
def test_what_pillow_reads_wrongly_is_refused(data, message):
    with pytest.raises(DataError, match=message):
        decode(Modality.IMAGE, data)
    with pytest.raises(SkippedRowError, match=f"broken image: .*{message}"):
        load(RawMedium(Modality.IMAGE, data=data)).ready  # noqa: B018


def test_colours_of_8_bits_may_lie_plane_by_plane():
    colours = np.asarray(PHOTOGRAPH)
    assert (seen(planar_tiff(colours.transpose(2, 0, 1))) == colours).all()


@pytest.mark.parametrize(
    "data", [gif(12, 9, 4, 2, 4, 2), webp(12, 9, 4, 2, 4, (0, 0, 255), alpha=False), webp(12, 9, 4, 2, 4, (0, 0, 255), alpha=True)]
)
def test_what_a_first_picture_leaves_free_of_its_canvas_is_white(data):
    expected = np.full((9, 12, 3), 255)
    expected[2:6, 4:8] = [0, 0, 255]
    stored = decode(Modality.IMAGE, load(RawMedium(Modality.IMAGE, data=data), jpeg_quality=95).ready.data).frames[0]
    assert (decode(Modality.IMAGE, data).frames[0] == expected).all() and np.abs(stored.astype(int) - expected).mean() < 40
    handed, _ = kind_of(Modality.IMAGE).encode(Image.open(io.BytesIO(data)), Decoding(), "it")
    assert (decode(Modality.IMAGE, handed).frames[0] == expected).all()
    loaded = Image.open(io.BytesIO(data))
    loaded.load()
    assert (np.asarray(as_shown(loaded))[2:6, 4:8] == [0, 0, 255]).all()  # what is free may be lost by then


def test_sixteen_bits_are_scaled_and_white_is_white():
    shown = seen(png(GREYS, 0))
    assert np.abs(shown[..., 0] - GREYS / 257).max() <= 1 and shown[0, -1].tolist() == [255] * 3 and shown[0, 0].tolist() == [0] * 3
    assert shown[0, 1].max() == 3  # all but black: the step image_contrast is for that
    assert np.abs(seen(png(np.stack([GREYS] * 3, -1), 2)) - GREYS[..., None] / 257).max() <= 1
    hidden = seen(png(GREYS, 0, (b"tRNS", struct.pack(">H", int(GREYS[0, 20])))))
    assert (hidden == np.where(GREYS[..., None] == GREYS[0, 20], 255, shown)).all()
    grey_map = b"P5 64 48 65535\n" + GREYS.astype(">u2").tobytes()
    assert np.abs(seen(grey_map) - shown).max() <= 1


def test_a_tiff_says_how_many_bits_it_has_and_which_end_is_white():
    greys = np.array([0, 1000, 30000, 65535], np.uint16)
    assert seen(tiff(4, 16, 1, greys.tobytes()))[0, :, 0].tolist() == [0, 3, 117, 255]
    assert seen(tiff(4, 16, 0, greys.tobytes()))[0, :, 0].tolist() == [255, 252, 138, 0]
    assert seen(tiff(2, 12, 1, bytes([0xFF, 0xF8, 0x00])))[0, :, 0].tolist() == [255, 128]  # 4095 and 2048


@pytest.mark.parametrize("mode", ["I", "F"])
def test_pixels_without_a_range_are_refused(mode):
    data, expected = encoded(Image.new(mode, (9, 9)), "TIFF"), rf"its pixels are numbers of 32 bits \({mode}\) without a range: scale them"
    with pytest.raises(DataError, match=rf"the image cannot be decoded \({expected}"):
        decode(Modality.IMAGE, data)
    with pytest.raises(SkippedRowError, match=f"broken image: .*{expected}"):
        load(RawMedium(Modality.IMAGE, data=data)).ready  # noqa: B018
    with pytest.raises(DataError, match=f"item 3, a Pillow image of mode {mode}, cannot be shown: {expected}"):
        kind_of(Modality.IMAGE).encode(Image.new(mode, (9, 9)), Decoding(), "item 3")


@pytest.mark.parametrize("marked", [True, False])
def test_cmyk_is_multiplied_with_or_without_adobes_mark(marked):
    """Adobe writes ink turned round, and says so in a segment of its own; browsers take it for granted where it is missing."""
    ink = np.asarray(PHOTOGRAPH.convert("CMYK")).copy()
    ink[..., 3] = np.arange(60) * 2
    data = encoded(Image.fromarray(ink, "CMYK"), quality=100, subsampling=0)
    if not marked:
        start = data.index(b"Adobe") - 4
        data = data[:start] + data[start + 2 + int.from_bytes(data[start + 2 : start + 4], "big") :]
        assert b"Adobe" not in data
    expected = (255 - ink[..., :3].astype(float)) * (255 - ink[..., 3:]) / 255
    assert np.abs(seen(data) - expected).mean() < 2


def test_a_profile_is_applied_where_it_changes_colours():
    colours = np.asarray(PHOTOGRAPH)
    for data in (encoded(PHOTOGRAPH, "PNG", icc_profile=swapped()), encoded(PHOTOGRAPH, "WEBP", icc_profile=swapped(), lossless=True)):
        assert np.abs(seen(data) - colours[..., ::-1]).max() <= 1
        assert load(RawMedium(Modality.IMAGE, data=data)).ready.extension == "jpg"
    glass = PHOTOGRAPH.convert("RGBA")
    glass.putalpha(Image.linear_gradient("L").resize((60, 40)))
    expected = np.asarray(on_white(Image.merge("RGBA", [glass.getchannel(band) for band in "BGRA"])))
    assert np.abs(seen(encoded(glass, "PNG", icc_profile=swapped())) - expected).max() <= 1
    palette = PHOTOGRAPH.quantize(16)
    assert np.abs(seen(encoded(palette, "PNG", icc_profile=swapped())) - np.asarray(palette.convert("RGB"))[..., ::-1]).max() <= 1


@pytest.mark.parametrize(
    "profile", [b"no profile" * 30, swapped(b"CMYK"), ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()]
)
def test_a_profile_that_is_broken_or_of_other_colours_or_srgb_changes_nothing(profile):
    data = encoded(PHOTOGRAPH, "PNG", icc_profile=profile)
    assert (seen(data) == np.asarray(PHOTOGRAPH)).all() and is_plain(open_picture(data))
    assert load(RawMedium(Modality.IMAGE, data=data)).ready.data == data


def test_a_profile_of_colours_on_a_grey_picture_changes_nothing():
    grey = PHOTOGRAPH.convert("L")
    assert (seen(encoded(grey, "PNG", icc_profile=swapped())) == np.asarray(grey)[..., None]).all()


def test_of_an_animation_the_first_picture_is_seen():
    first, second = photograph(2, 60, 40), photograph(3, 60, 40)
    animated = encoded(first, "PNG", save_all=True, append_images=[second])
    assert (seen(animated) == np.asarray(first)).all()
    with_a_stand_in = encoded(PHOTOGRAPH, "PNG", save_all=True, append_images=[first, second], default_image=True)
    assert (seen(with_a_stand_in) == np.asarray(first)).all()
    gif = encoded(first.quantize(16), "GIF", save_all=True, append_images=[second.quantize(16)])
    assert (seen(gif) == np.asarray(first.quantize(16).convert("RGB"))).all()


def test_heic_is_read_where_its_decoder_is_installed():
    pytest.importorskip("pi_heif")
    shown = seen(HEIC)
    for row, column, colour in ((6, 8, [255, 0, 0]), (6, 40, [0, 0, 255]), (26, 8, [0, 200, 0])):
        assert np.abs(shown[row, column] - colour).max() < 20


def test_heic_without_its_decoder_says_what_to_do(monkeypatch):
    monkeypatch.setattr(Image, "OPEN", {name: opener for name, opener in Image.OPEN.items() if name != "HEIF"})
    with pytest.raises(UnidentifiedImageError, match=r"it is HEIC, which Pillow reads with the package pi-heif alone: pip install"):
        open_picture(HEIC, ("JPEG", "PNG"))


@pytest.mark.parametrize(
    "mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "LA", "La", "PA", "RGBX", "RGBa", "I;16", "I;16B"]
)
def test_a_pillow_image_of_any_mode_is_shown_and_stays_as_it_is(mode):
    image = Image.new(mode, (3, 2))
    image.info = {"icc_profile": swapped(), "exif": turned(6).tobytes()}
    shown = as_shown(image)
    assert shown.mode == "RGB" and shown.size == (2, 3)
    assert image.mode == mode and image.size == (3, 2) and len(image.info) == 2


@pytest.mark.parametrize(
    ("image", "message"), [(Image.new("RGB", (9, 9)), "at most 80 pixels, but is '9 x 9'"), (Image.new("RGB", (0, 0)), "empty")]
)
def test_a_pillow_image_too_large_or_empty_is_refused_by_name(image, message):
    with pytest.raises(DataError, match=f"item 3.*{message}"):
        kind_of(Modality.IMAGE).encode(image, Decoding(max_pixels=80), "item 3")


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000"])
def test_a_file_that_ends_early_is_refused(format):
    data = encoded(PHOTOGRAPH, format)
    for size in (len(data) // 2, len(data) * 9 // 10):
        with pytest.raises(DataError, match="the image cannot be decoded"):
            decode(Modality.IMAGE, data[:size])
        with pytest.raises(SkippedRowError, match="broken image"):
            load(RawMedium(Modality.IMAGE, data=data[:size])).ready  # noqa: B018
    file = io.BytesIO(data)
    image = Image.open(file)  # reads the header only, but for a few formats
    file.truncate(len(data) // 2)
    if format in ("JPEG", "PNG", "BMP", "TIFF"):
        with pytest.raises(DataError, match="item 3, a Pillow image of mode RGB, cannot be shown"):
            kind_of(Modality.IMAGE).encode(image, Decoding(), "item 3")
