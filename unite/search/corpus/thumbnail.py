"""A medium as a little JPEG, for a page that shows what was found."""

from __future__ import annotations

from PIL import Image

from unite.media.picture import to_jpeg
from unite.types import Content

_QUALITY = 80


def thumbnail(content: Content, side: int) -> bytes | None:
    """Returns the first medium of a content as a JPEG, of a video its middle frame; None of a text, and where `side` is 0.

    Args:
        content: decoded.
        side: pixels of the longer side, at most.
    """
    if not content.media or not side:
        return None
    frames = content.media[0].frames
    picture = Image.fromarray(frames[len(frames) // 2])
    picture.thumbnail((side, side), reducing_gap=2.0)
    return to_jpeg(picture, _QUALITY)
