"""Rows of pictures and words for a real architecture."""

from tests.encoder.material import image
from unite.types import Content, Example


def pictures() -> list[Example]:
    """Texts ask for pictures and pictures for texts, but for the first rows, which are words alone: that rank's vision tower rests."""
    rows = [Example(f"w{at}", "w", Content(f"a red {at}"), (Content(f"the moon {at}"),)) for at in range(3)]
    for at in range(3, 6):
        picture, words = Content(media=(image(at),)), Content(f"a cat {at} and a star")
        query, positive = (picture, words) if at % 2 else (words, picture)
        rows.append(Example(f"p{at}", "p", query, (positive,), (Content(media=(image(10 + at),)),)))
    return rows
