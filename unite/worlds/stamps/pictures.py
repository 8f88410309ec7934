"""Makes a picture of whatever a package holds: SVG, PNG or WebP, cropped to what is drawn, centred on white, one size."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from unite.errors import ConfigError, SkippedRowError, must_be
from unite.files import whole_file
from unite.media.picture import ERRORS, open_picture

#: A drawing is rendered at so many times its size, and made smaller when it is known where on its page it is.
_FINER = 2
#: Share of a side that stays white around what is drawn.
_MARGIN = 0.04
#: resvg takes lengths in mm and pt for nothing at its default of 0.
_DPI = 96.0


def check_renderer() -> None:
    """Raises ConfigError if there is nothing to render SVG with."""
    try:
        import resvg_py  # noqa: F401
    except ImportError as error:
        raise ConfigError(must_be("resvg-py, which renders SVG,", "installed", "missing", "pip install 'unite[stamps]'.")) from error


def draw(source: Path, target: Path, side: int) -> None:
    """Writes the picture of a file as a PNG.

    Args:
        source: an SVG, or any picture of pixels; of an animated one the first frame is taken.
        target: where it is written, whole or not at all.
        side: in pixels, of the square.

    Raises:
        SkippedRowError: if it cannot be read, or shows nothing.
    """
    square = _framed(_opened(source, side), source, side)
    with whole_file(target) as partial:
        square.save(partial, "PNG", compress_level=6)


def _opened(source: Path, side: int) -> Image.Image:
    try:
        data = _rendered(source, side * _FINER) if source.suffix == ".svg" else source.read_bytes()
        return open_picture(data).convert("RGBA")
    except ERRORS as error:
        raise SkippedRowError("unreadable picture", f"{source.name}: {error}") from error


def _rendered(source: Path, side: int) -> bytes:
    """Returns an SVG as PNG of at most side x side pixels. Texts are left out: their fonts are other ones on every machine."""
    import resvg_py

    return bytes(resvg_py.svg_to_bytes(svg_path=str(source), width=side, height=side, dpi=_DPI, skip_system_fonts=True))


def _framed(picture: Image.Image, source: Path, side: int) -> Image.Image:
    box = picture.getchannel("A").point(lambda alpha: 255 * (alpha > 8)).getbbox()
    if box is None:
        raise SkippedRowError("empty picture", f"{source.name} shows nothing")
    drawn = picture.crop(box)
    inner = round(side * (1 - 2 * _MARGIN))
    scale = inner / max(drawn.size)
    size = (max(1, round(drawn.width * scale)), max(1, round(drawn.height * scale)))
    # Premultiplied with alpha ("RGBa"), so that no dark fringe comes in from transparent pixels.
    small = drawn.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")
    square = Image.new("RGBA", (side, side), "white")
    square.alpha_composite(small, ((side - small.width) // 2, (side - small.height) // 2))
    return square.convert("RGB")
