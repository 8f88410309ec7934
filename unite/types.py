"""The words everything else is written in: Modality, Medium, Content, Example. What the encoder reads is in `unite.batch`.

Example  = one training row: query, positives, negatives, each a Content
Content  = one thing to embed: a text with the media that stand in it
"""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache, cached_property, reduce
from hashlib import blake2b
from operator import or_

import numpy as np
from numpy.typing import NDArray

from unite.errors import DataError, must_be, must_be_one_of


class Modality(enum.Flag):
    """What a content is made of. A fusion is a modality of its own: `TEXT | IMAGE` equals neither `TEXT` nor `IMAGE`.

    `.value` stands for it in tensors; `str()` gives its name, parts joined by "+" (`text+image`).
    """

    TEXT = 1
    IMAGE = 2
    VIDEO = 4

    def __str__(self) -> str:
        return _name(self.value)

    @property
    def place(self) -> str:
        """Where a medium stands in a text, as the paper's own rows write it: `<|IMAGE|>`."""
        return f"<|{self.name}|>"

    @classmethod
    def parse(cls, name: str) -> Modality:
        """Reads `image`, `text+image` or, as the paper's authors write it, `text,image`.

        Raises:
            DataError: if a part is no modality. Unknown names are never dropped.
        """
        parts = [part.strip().lower() for part in re.split(r"[+,]", name)]
        known = {str(part.name).lower(): part for part in cls}
        modality = cls(0)
        for part in parts:
            if part not in known:
                raise DataError(must_be_one_of("modality", known, part, f"It was read from {name!r}."))
            modality |= known[part]
        return modality


@cache  # a row asks for it several times, and to take a flag apart is slow
def _name(value: int) -> str:
    return "+".join(str(part.name).lower() for part in Modality(value))


#: The modalities of media: all but text.
MEDIA = tuple(part for part in Modality if part is not Modality.TEXT)
#: Where the instruction of a content stands in its text, if that is not before it: `<|INSTRUCTION|> What is it?`.
INSTRUCTION_PLACE = "<|INSTRUCTION|>"
#: Finds the places in a text: of media, and of the instruction.
PLACES = re.compile("(" + "|".join(re.escape(place) for place in (*(part.place for part in MEDIA), INSTRUCTION_PLACE)) + ")")
#: What looks like a place, of a medium that there is or one to come, with the backslashes that tell it from one.
_LIKE_PLACE = re.compile(r"<(\\*)\|([A-Z]+)\|>")
_ESCAPED = re.compile(r"<\\(\\*\|[A-Z]+\|>)")


def escape_places(text: str, but: Collection[str] = ()) -> str:
    r"""Returns what people wrote as the text of a content, in which a `<|IMAGE|>` of theirs is no place: it becomes `<\|IMAGE|>`.

    Whoever reads a text whose format has no places calls this; a content says the text again, to the letter (`plain_text`).

    Args:
        text: as it was written.
        but: the places that are meant as such.
    """
    if "<" not in text:
        return text
    return _LIKE_PLACE.sub(lambda found: found[0] if found[0] in but else rf"<\{found[1]}|{found[2]}|>", text)


def plain_text(text: str, place: str = " ") -> str:
    """Returns what a content's text says: without the backslashes of `escape_places`, and with something else for its places."""
    return _ESCAPED.sub(r"<\1", PLACES.sub(place, text)) if "<" in text else text


def modality_of(text: str, media: Iterable[Modality]) -> Modality:
    """Returns what a content is made of, by its text and the modalities of its media; a place in the text is no text."""
    return reduce(or_, media, Modality.TEXT if PLACES.sub("", text).strip() else Modality(0))


def without_instruction(text: str) -> str:
    """Returns a text that has a place for its instruction as one without: what the content itself says, "" if that is nothing.

    Of equal contents under two instructions it is the same text. A text without such a place stays as it is.
    """
    if INSTRUCTION_PLACE not in text:
        return text
    rest = re.sub(re.escape(INSTRUCTION_PLACE) + r"\s*", "", text).strip()
    return rest if PLACES.sub("", rest).strip() else ""


@dataclass(frozen=True, eq=False)
class Medium:
    """A decoded image or video.

    Attributes:
        modality: `IMAGE` or `VIDEO`.
        frames: (T, H, W, 3) uint8, RGB; T = 1 for an image.
        fingerprint: 63-bit hash of what it was decoded from (bytes and the frames picked); equal media have equal fingerprints.
        seconds: (T,) when each frame is shown, in seconds from the start; `(0.0,)` for an image.
        duration: seconds that the video lasts of which the frames were taken; 0 where that is not known, and for an image.
        remark: what a person should know of it, in words that follow its name (`ends early, ...`); "" for nothing.
    """

    modality: Modality
    frames: NDArray[np.uint8]
    fingerprint: int
    seconds: tuple[float, ...] = (0.0,)
    duration: float = 0.0
    remark: str = ""

    def __post_init__(self) -> None:
        if self.modality not in MEDIA:
            raise DataError(must_be("the modality of a medium", " or ".join(map(str, MEDIA)), str(self.modality)))
        if self.frames.ndim != 4 or self.frames.shape[-1] != 3 or self.frames.dtype != np.uint8 or self.frames.shape[0] < 1:
            actual = f"{self.frames.dtype} {self.frames.shape}"
            raise DataError(must_be("the frames of a medium", "uint8 of shape (frames, height, width, 3)", actual))
        if len(self.seconds) != len(self.frames):
            raise DataError(must_be("seconds", f"one number for each of {len(self.frames)} frames", len(self.seconds)))

    @property
    def frame_gap(self) -> float:
        """Seconds of the video that a frame stands for; 0 for an image.

        The whole duration shared out among the frames, as transformers' `VideoMetadata.sampled_fps` does it: n frames from the first to
        the last of a video are n - 1 gaps apart, but stand for n. Where the duration is not known, the mean gap.
        """
        if self.duration or len(self.frames) == 1:
            return self.duration / len(self.frames)
        return (self.seconds[-1] - self.seconds[0]) / (len(self.frames) - 1)


@dataclass(frozen=True, eq=False)
class Content:
    """One thing to embed: a text, media, or both.

    Attributes:
        text: may hold `<|IMAGE|>` and `<|VIDEO|>` where the media go, as many as there are media. Media without a place stand first. It
            may also hold `<|INSTRUCTION|>`, as a published text does whose instruction does not come first: a prompt that has a place of
            its own for instructions takes it from there. Of what people wrote, nothing is a place: see `escape_places`.
        media: in the order of their places.
        instruction: what to retrieve for it. Part of the prompt, not of the modality.
        group: contents of one group show or tell the same thing (two captions of one image): never one another's negatives.
    """

    text: str = ""
    media: tuple[Medium, ...] = ()
    instruction: str = ""
    group: str = ""

    @cached_property
    def modality(self) -> Modality:
        """The union of what it holds; a place in the text is no text."""
        return modality_of(self.text, (medium.modality for medium in self.media))

    @cached_property
    def fingerprint(self) -> int:
        """63-bit hash of all that reaches the encoder: instruction, text and media, not the group."""
        return fingerprint(self.instruction, self.text, *(str(medium.fingerprint) for medium in self.media))

    @cached_property
    def identity(self) -> int:
        """63-bit number that contents of one group share; without a group, the fingerprint."""
        return fingerprint("group", self.group) if self.group else self.fingerprint


@dataclass(frozen=True, eq=False)
class Example:
    """One row of training data.

    Attributes:
        key: names the sample and where it came from: `source/shard/sample`.
        source: the name of the source in the mixture.
        query, positives, negatives: the contents; at least one positive. All positives are right answers.
    """

    key: str
    source: str
    query: Content
    positives: tuple[Content, ...]
    negatives: tuple[Content, ...] = ()

    def __post_init__(self) -> None:
        if not self.positives:
            raise DataError(must_be(f"positives of {self.key}", "at least one content", 0))


def fingerprint(*parts: str | bytes) -> int:
    """Returns a 63-bit hash (BLAKE2b) of the parts in order; stable across processes and machines, unlike `hash`.

    Raises:
        DataError: if a text is no Unicode: it holds half of a surrogate pair, and no tokenizer takes it.
    """
    digest = blake2b(digest_size=8)
    for part in parts:
        data = utf8(part) if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return int.from_bytes(digest.digest(), "little") >> 1


def utf8(text: str) -> bytes:
    """Returns a text as UTF-8. Raises DataError if it holds half of a surrogate pair, as one that was cut in JSON's escapes does."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        around = text[max(error.start - 20, 0) : error.end + 20].encode("ascii", "backslashreplace").decode()
        raise DataError(must_be("a text", "Unicode", f"with half of a surrogate pair: {around}", "Mend or remove it.")) from error
