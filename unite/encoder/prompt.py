"""A content as the chat turn that UNITE embeds, in the released code's words.

    <|im_start|>system
    You are a helpful assistant.<|im_end|>
    <|im_start|>user
    {text with the media at their places}
    Summary above {sentence and image} in one word:<|im_end|>
    <|im_start|>assistant
    <|endoftext|>

The embedding is the hidden state of the last token. A turn is kept as segments, text and special tokens apart, so that what a user writes
can never become a special token.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from unite.errors import DataError, must_be
from unite.media import KINDS
from unite.types import PLACES, Content, Modality

log = logging.getLogger(__name__)

#: What the prompt calls a part of a content.
_WORDS = {Modality.TEXT: "sentence", **{kind.modality: kind.word for kind in KINDS}}


@dataclass(frozen=True)
class Text:
    """A segment of plain text; what the user wrote may be cut when the turn is too long."""

    text: str
    of_user: bool = False


@dataclass(frozen=True)
class Special:
    """A special token by its name."""

    name: str


@dataclass(frozen=True)
class MediumPlace:
    """Where the medium of this index in `Content.media` stands."""

    medium: int


Segment = Text | Special | MediumPlace


class Prompt:
    """Lays out contents.

    Args:
        system: the system prompt; None leaves the system turn out.
    """

    def __init__(self, system: str | None = "You are a helpful assistant.") -> None:
        self.system = system
        self._said = False

    def segments(self, content: Content) -> list[Segment]:
        """Returns the turn.

        Raises:
            DataError: if the content is empty, or its text has more places than it has media, or another kind of place.
        """
        if not content.modality:
            raise DataError(must_be("a content", "a text, a medium or both", "empty", "Drop it, or give it one of them."))
        turn: list[Segment] = []
        if self.system is not None:
            turn += [Special("<|im_start|>"), Text(f"system\n{self.system}"), Special("<|im_end|>"), Text("\n")]
        turn += [Special("<|im_start|>"), Text("user\n"), *self._body(content)]
        closing = f"\nSummary above {' and '.join(_names(content))} in one word:"
        turn += [Text(closing), Special("<|im_end|>"), Text("\n"), Special("<|im_start|>"), Text("assistant\n"), Special("<|endoftext|>")]
        return turn

    def _body(self, content: Content) -> list[Segment]:
        text = self._with_places(content).strip()
        body: list[Segment] = []
        medium = 0
        for part in PLACES.split(text):
            if PLACES.fullmatch(part):
                body.append(MediumPlace(medium))
                medium += 1
            elif part:
                body.append(Text(part, of_user=True))
        return body

    def _with_places(self, content: Content) -> str:
        """Returns instruction and text with a place for every medium; media without one stand first, as in the paper."""
        text = f"{content.instruction}\n{content.text}" if content.instruction else content.text
        places = PLACES.findall(text)
        expected = [medium.modality.place for medium in content.media]
        missing = len(expected) - len(places)
        if missing < 0 or places != expected[missing:]:
            hint = "Give each medium one place, in their order; media without a place stand first."
            raise DataError(
                must_be("the places in a text", f"those of its media, {expected}", places, f"The text is {text[:80]!r}. {hint}")
            )
        if missing and text.strip() and not self._said:
            self._said = True
            log.warning("a medium has no place in its text (%r): it stands first. Said once.", text[:80])
        return "".join(f"{place}\n" for place in expected[:missing]) + text


def _names(content: Content) -> list[str]:
    modality = content.modality | (Modality.TEXT if content.instruction else Modality(0))
    return [name for part, name in _WORDS.items() if part in modality]


def chat_text(segments: list[Segment], content: Content) -> str:
    """Returns a turn as one string, each medium as its pad token between `<|vision_start|>` and `<|vision_end|>`."""
    pads = [f"<|vision_start|><|{medium.modality}_pad|><|vision_end|>" for medium in content.media]
    written = {Text: lambda segment: segment.text, Special: lambda segment: segment.name, MediumPlace: lambda segment: pads[segment.medium]}
    return "".join(written[type(segment)](segment) for segment in segments)
