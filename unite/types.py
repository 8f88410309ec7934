"""The words everything else is written in: Modality, Medium, Content, Example, Batch.

    Example  = one training row: query, positives, negatives, each a Content
    Content  = one thing to embed: a text with the media that stand in it
    Batch    = the *unique* contents of B examples, encoded and packed into micro-batches,
               and the Relations that say which of them is whose query, positive and negative

Queries and candidates share one encoder, so a batch holds one pool of U contents and index tensors into it. Equal contents are
encoded once and can never be each other's negative.

Shapes: B examples, U unique contents, P positives and K negatives a row, n contents in a micro-batch, L tokens, M media.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, reduce
from hashlib import blake2b
from operator import or_
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unite.errors import DataError, must_be, must_be_one_of

if TYPE_CHECKING:  # torch takes a second to import, and a config error, a recipe or a step needs none
    import torch
    from torch import Tensor


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


@dataclass(eq=False)
class EncodedContent:
    """A content as the encoder reads it: tokens, and tensors of its media.

    Attributes:
        input_ids: (L,) int64, the whole prompt, with a token wherever a feature of a medium takes its place.
        token_types: (L,) int64, above 0 where it does, one number a kind of medium (`mm_token_type_ids` of transformers), 0 on text.
        media: by name, concatenated in the order of their places over those of the M media that have it; empty without media. Of every
            medium, `fingerprints` (M,) int64 and `modalities` (M,) int64, `Modality.value`; the others, pixels say, are known to the
            encoder's family alone.
        is_cut: whether its text was longer than the encoder reads, and lost its end.
    """

    input_ids: Tensor
    token_types: Tensor
    media: dict[str, Tensor] = field(default_factory=dict)
    is_cut: bool = False

    @property
    def num_tokens(self) -> int:
        """L, text and media together: the cost a token budget counts."""
        return int(self.input_ids.shape[0])


@dataclass(eq=False)
class MicroBatch:
    """n contents in one forward pass, padded on the right to L tokens.

    Attributes:
        contents: (n,) int64, the index of each row in the batch's pool.
        input_ids, token_types, attention_mask: (n, L) int64; the mask is 1 on tokens, 0 on padding.
        media: as in `EncodedContent`, concatenated over the contents; empty without media.
    """

    contents: Tensor
    input_ids: Tensor
    token_types: Tensor
    attention_mask: Tensor
    media: dict[str, Tensor] = field(default_factory=dict)

    @property
    def media_names(self) -> list[tuple[int, int]]:
        """(fingerprint, `Modality.value`) of each of the M media: those of equal names have equal features."""
        if not self.media:
            return []
        return list(zip(self.media["fingerprints"].tolist(), self.media["modalities"].tolist(), strict=True))

    def to(self, device: torch.device | str) -> MicroBatch:
        """Returns it on a device; a GPU is not waited for."""
        import torch

        def moved(tensor: Tensor) -> Tensor:
            return tensor.to(device, non_blocking=torch.device(device).type == "cuda")

        return MicroBatch(
            contents=moved(self.contents),
            input_ids=moved(self.input_ids),
            token_types=moved(self.token_types),
            attention_mask=moved(self.attention_mask),
            media={name: moved(tensor) for name, tensor in self.media.items()},
        )


@dataclass(eq=False)
class Relations:
    """Who is whose, over a pool of U contents. All int64; a content's index is its row in the (U, D) embeddings.

    Attributes:
        query: (B,) the query of each row.
        positive: (B, P) its positives, -1 where there are fewer than P; the first is always there.
        negative: (B, K) its hand-made negatives, -1 where there are fewer.
        modality: (U,) `Modality.value`.
        fingerprint: (U,) equal contents have equal fingerprints (across ranks too, where the pool is not yet deduplicated).
        identity: (U,) contents of one group share it; they are never one another's negatives.
    """

    query: Tensor
    positive: Tensor
    negative: Tensor
    modality: Tensor
    fingerprint: Tensor
    identity: Tensor

    @property
    def num_rows(self) -> int:
        """B."""
        return int(self.query.shape[0])

    @property
    def num_contents(self) -> int:
        """U."""
        return int(self.modality.shape[0])


@dataclass(eq=False)
class Batch:
    """What the step trains on.

    Attributes:
        micro_batches: every content of the pool in exactly one of them.
        relations: over the pool.
        keys, sources: (B,) of the rows, for the log and for errors.
        skipped: keys of samples that could not be read, with the reason, since the last batch.
        cut: keys of rows, those with a text that was longer than the encoder reads and lost its end.
    """

    micro_batches: list[MicroBatch]
    relations: Relations
    keys: list[str]
    sources: list[str]
    skipped: list[tuple[str, str]] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)


class Processor(Protocol):
    """Turns contents into what an encoder reads. The encoder owns it; the data side is handed it."""

    def encode(self, content: Content) -> EncodedContent:
        """Tokenises one content and reads its media. Raises DataError if it cannot be embedded."""
        ...

    def pad(self, encoded: Sequence[EncodedContent], contents: Sequence[int]) -> MicroBatch:
        """Puts n encoded contents into one micro-batch; `contents` are their indices in the pool."""
        ...


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


def index_tensor(values: Any) -> Tensor:
    """Returns an int64 tensor of indices or hashes."""
    import torch

    return torch.as_tensor(values, dtype=torch.int64)
