"""A content small enough to keep or to put on a page: its text, cut, and one little JPEG a medium (a video as a strip of frames)."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from unite.media import KINDS, kind_of
from unite.types import Content, plain_text

#: Media of a content that are shown.
NUM_MEDIA = 3
#: Letters of a text that are.
_NUM_LETTERS = 280
#: Names of the media whose preview takes the room of several pictures side by side.
WIDE = frozenset(kind.word for kind in KINDS if kind.preview_is_wide)


@dataclass(frozen=True)
class Preview:
    """A content, small.

    Attributes:
        text: its text, cut.
        instruction: its instruction, cut.
        pictures: (modality, JPEG as base64) of each medium.
    """

    text: str = ""
    instruction: str = ""
    pictures: tuple[tuple[str, str], ...] = ()


def preview(content: Content) -> Preview:
    """Returns a content small: texts of at most 280 letters, its first 3 media as little JPEGs."""
    pictures = tuple(
        (str(medium.modality), base64.b64encode(kind_of(medium.modality).preview(medium)).decode()) for medium in content.media[:NUM_MEDIA]
    )
    text, instruction = plain_text(content.text), plain_text(content.instruction)  # the pictures stand beside it
    return Preview(cut(text.strip(), _NUM_LETTERS), cut(instruction, _NUM_LETTERS), pictures)


def cut(text: str, num_letters: int) -> str:
    """Returns a text of at most so many letters; where it was cut, the last of them is an ellipsis."""
    return text if len(text) <= num_letters else text[: num_letters - 1] + "…"
