"""A picture as a viewer shows it: the one way from an opened image to the pixels that curation, training and evaluation see.

    depth         16 bits are scaled, so that 65535 is white (4095 where a TIFF says 12 bits). Numbers of 32 bits and fractions have no
                  known range and are refused
    turn          the EXIF tag of orientation is obeyed (Pillow turns a TIFF itself)
    colours       an embedded ICC profile is applied, to sRGB; one that is broken or of another kind of colours is passed over. CMYK without
                  a profile is multiplied
    transparency  what is transparent shows white, not whatever colour lies hidden beneath
    animation     the first picture; where that leaves a part of the canvas free, white shows there

So does Chromium, but that it shows what is there of a file that ends early (here it is refused by name), turns no WebP, and obeys a PNG's
gAMA, cHRM and cICP where it has no profile. What Pillow is known to read wrongly is mended here, or refused.
"""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from PIL import GifImagePlugin, Image, ImageCms, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

_ORIENTATION = 0x0112
#: What is done to the pixels of an orientation that is not 1 (EXIF 2.32, table 6).
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
#: Modes that every decoder reads alike.
_PLAIN_MODES = ("1", "L", "P", "RGB", "RGBA", "LA", "PA")
#: Formats whose greys of 16 bits Pillow gives as numbers of 32, scaled to 65535 (PNG before Pillow 11.2).
_OF_16_BITS = ("PPM", "PNG")
_BITS_PER_SAMPLE, _PHOTOMETRIC, _WHITE_IS_ZERO, _PLANAR, _SEPARATE = 258, 262, 0, 284, 2
#: What a PNG's greys of 2 and 4 bits are multiplied by to be of 8 bits; Pillow leaves the one that is transparent as it is.
_TO_8_BITS = {"L;2": 85, "L;4": 17}
#: Colour profiles kept as tables, and by how much of 255 a profile must change a colour to be applied: what is sRGB by another name is not.
_NUM_PROFILES, _UNSEEN = 64, 2


def as_shown(image: Image.Image) -> Image.Image:
    """Returns the pixels as RGB, upright. What was opened is decoded to its end.

    It is the image itself where nothing is to be done, and what stands beside its pixels (`info`) does not count any more.

    Raises:
        ValueError: if its pixels have no known range.
        OSError: if the file ends early, or whatever else Pillow stumbles over (`picture.ERRORS`).
    """
    if image.info.get("default_image") and image.tell() == 0:
        image.seek(1)  # of an animated PNG that brings a picture for those who show no animation
    shown = on_white(_in_srgb(_upright(_of_8_bits(_loaded(image)))))
    if isinstance(image, GifImagePlugin.GifImageFile) and image.tell() == 0 and image.dispose_extent not in (None, (0, 0, *image.size)):
        canvas = Image.new("RGB", shown.size, "white")
        canvas.paste(shown.crop(image.dispose_extent), image.dispose_extent[:2])
        return canvas
    return shown


def is_plain(image: Image.Image) -> bool:
    """Whether every decoder shows the image alike: nothing of it is turned, scaled, of other colours or animated."""
    if image.mode not in _PLAIN_MODES or getattr(image, "is_animated", False) or _orientation(image) != 1:
        return False
    return _to_srgb(image.info.get("icc_profile", b""), _colours(image)) is None


def shown_size(image: Image.Image) -> tuple[int, int]:
    """Returns width and height as shown, from the header (a PNG's orientation may stand behind its pixels, and is not seen here)."""
    return image.size if _orientation(image) < 5 else (image.height, image.width)


def on_white(image: Image.Image) -> Image.Image:
    """Returns RGB; what is transparent shows white."""
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def ask_what_is_free(image: Image.Image) -> None:
    """Has an animated WebP that was opened, and not loaded, tell what its pictures leave free; it would be black.

    The decoder tells, and Pillow does not ask where the file says that it has no transparency.
    """
    if not isinstance(image, WebPImagePlugin.WebPImageFile):
        return
    if image.is_animated and image.mode == "RGB" and getattr(image, "_im", None) is None:
        image.rawmode = image._mode = "RGBA"


def _loaded(image: Image.Image) -> Image.Image:
    """Decodes an image, with what Pillow gets wrong of it put right."""
    transparent, tile = image.info.get("transparency"), getattr(image, "tile", None)
    raw_mode = tile[0][3] if isinstance(image, PngImagePlugin.PngImageFile) and tile else ""  # not known once it is loaded
    if raw_mode == "RGB;16B" and transparent is not None:
        raise ValueError("its colours have 16 bits and one of them is transparent, which Pillow does not tell from its neighbours")
    tags = image.tag_v2 if isinstance(image, TiffImagePlugin.TiffImageFile) else {}
    if tags.get(_PLANAR) == _SEPARATE and len(tags.get(_BITS_PER_SAMPLE, ())) > 1 and max(tags[_BITS_PER_SAMPLE]) > 8:
        raise ValueError("its colours have 16 bits and lie plane by plane, which Pillow mixes up: save it interleaved")
    ask_what_is_free(image)
    image.load()
    if raw_mode in _TO_8_BITS and isinstance(transparent, int):
        image = image.copy()
        image.info["transparency"] = transparent * _TO_8_BITS[raw_mode]
    return image.convert("LA") if image.mode == "La" else image


def _of_8_bits(image: Image.Image) -> Image.Image:
    """Scales greys of 16 bits, which Pillow would cut off at 255, as it scales colours of 16 bits: by their upper half."""
    if image.mode in ("I", "F") and not (image.mode == "I" and image.format in _OF_16_BITS):
        raise ValueError(f"its pixels are numbers of 32 bits ({image.mode}) without a range: scale them to 8 or 16 bits")
    if not image.mode.startswith("I"):
        return image
    tags = image.tag_v2 if isinstance(image, TiffImagePlugin.TiffImageFile) else {}
    shift = 4 if tags.get(_BITS_PER_SAMPLE) == (12,) else 8
    values = np.asarray(image)
    greys = Image.fromarray((values >> shift).astype(np.uint8))
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:  # Pillow turns it round where a grey has 8 bits, and not here
        greys = Image.eval(greys, lambda grey: 255 - grey)
    greys.info = {name: value for name, value in image.info.items() if name != "transparency"}
    if "transparency" in image.info:
        greys.putalpha(Image.fromarray(np.where(values == image.info["transparency"], 0, 255).astype(np.uint8)))
    return greys


def _upright(image: Image.Image) -> Image.Image:
    turn = _TURNS.get(_orientation(image))
    return image if turn is None else image.transpose(turn)


def _orientation(image: Image.Image) -> int:
    """Returns the tag of orientation, 1 to 8; 1 where there is none, or none that can be read."""
    if "exif" not in image.info:
        return 1
    exif = Image.Exif()
    try:
        exif.load(image.info["exif"])
        orientation = exif.get(_ORIENTATION, 1)
    except Exception:  # Pillow reads EXIF in Python, and raises whatever it stumbles over: a viewer shows the picture all the same
        return 1
    return orientation if orientation in _TURNS else 1


def _in_srgb(image: Image.Image) -> Image.Image:
    transform = _to_srgb(image.info.get("icc_profile", b""), _colours(image))
    if transform is None:
        return image
    shown = transform.apply(image.convert(_colours(image)))
    if image.has_transparency_data:
        shown.putalpha(image.convert("RGBA").getchannel("A"))
    return shown


def _colours(image: Image.Image) -> str:
    """Returns the mode that holds the colours of an image without their transparency: what a profile is applied to."""
    if image.mode in ("L", "LA"):
        return "L"
    return "CMYK" if image.mode == "CMYK" else "RGB"


@lru_cache(maxsize=_NUM_PROFILES)
def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Returns what makes colours of a profile sRGB; None where that changes nothing to be seen, or the profile is of no use."""
    if not profile:
        return None
    try:
        source, srgb = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        transform = ImageCms.ImageCmsTransform(source, srgb, mode, "RGB")
    except (OSError, ValueError, TypeError):
        return None
    steps = np.arange(0, 256, 17, dtype=np.uint8)
    colours = np.stack(np.meshgrid(*[steps] * len(mode), indexing="ij"), -1)
    sample = Image.frombytes(mode, (colours.size // len(mode), 1), colours.tobytes())
    change = np.abs(np.asarray(transform.apply(sample)).astype(int) - np.asarray(sample.convert("RGB")).astype(int))
    return transform if change.max() > _UNSEEN else None
