r"""A content as the text that is embedded: media and words laid out by a prompt (`PromptConfig`).

    template    {system}<|im_start|>user\n{content}\nSummary above {modalities} in one word:<|im_end|>\n<|im_start|>assistant\n<|endoftext|>
    content     Content("like <|IMAGE|> but red", (image,))
    segments    Special <|im_start|>, Text "user\nlike ", MediumPlace 0, Text " but red\nSummary above sentence and image in one word:", ...

The embedding is the hidden state of the last token. Text and special tokens are kept apart, so that what a user writes can never become a
special token. Where the prompts in `conf/prompt` were read:

    unite                  UNITE's released code
    qwen3_vl_embedding     QwenLM/Qwen3-VL-Embedding at 8ce3aab, src/models/qwen3_vl_embedding.py: `format_model_input` and Qwen's chat
                           template. It leaves the last token to the checkpoint's tokenizer; the technical report there says that
                           `<|endoftext|>` is appended
    gme                    gme_inference.py of Alibaba-NLP/gme-Qwen2-VL: `embed`; as it stands in TIGER-AI-Lab/VLM2Vec at 6e1e1d4,
                           src/model/baseline_backbone/gme. Of texts and images; video is not in it
    vlm2vec                TIGER-AI-Lab/VLM2Vec at 6e1e1d4, for Qwen2-VL: `process_input_text` and `Qwen2_VL_process_fn` of
                           src/model/processor.py. There is no chat turn, and no mark around a medium; `get_rope_index` of
                           src/model/vlm_backbone/qwen2_vl finds media by their marks, so its positions are plain: positions=sequential
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from unite.config.schema.prompt import PARTS, PromptConfig
from unite.errors import DataError, must_be
from unite.media import KINDS
from unite.types import INSTRUCTION_PLACE, PLACES, Content, Modality, plain_text

log = logging.getLogger(__name__)

#: How many layouts are kept of what stands around contents.
_MAX_FRAMES = 256

#: What the prompt calls a part of a content.
_WORDS = {Modality.TEXT: "sentence", **{kind.modality: kind.word for kind in KINDS}}
_MEDIA = "|".join(re.escape(kind.modality.place) for kind in KINDS)
_INSTRUCTION = re.compile(re.escape(INSTRUCTION_PLACE) + r"\s*")
_BEGINS = re.compile(rf"(?:\s*(?:{_MEDIA}))+\s*")


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


def _fixed(part: str) -> Segment:
    """Returns a part of a template that is the same for every content."""
    return Special(part) if PARTS.fullmatch(part) else Text(part)


def _system_turn(text: Sequence[Text]) -> list[Segment]:
    """Returns a turn that says what the model is to do."""
    return [Special("<|im_start|>"), Text("system\n"), *text, Special("<|im_end|>"), Text("\n")]


class Prompt:
    """Lays out contents.

    Args:
        config: the options, each documented there; UNITE's by default.
        system: the system prompt of templates with `{system}`; None leaves the system turn out.
        says_places: whether it logs, once, that a medium which has no place in its text stands first.
    """

    def __init__(
        self, config: PromptConfig | None = None, system: str | None = "You are a helpful assistant.", *, says_places: bool = True
    ) -> None:
        self.config = config or PromptConfig()
        self.system = system
        self._has_place = any(place in self.config.template for place in ("{instruction}", "{instruction_turn}"))
        parts = [part for part in PARTS.split(self.config.template) if part]
        self._parts: list[str | Segment] = [part if part.startswith("{") and PARTS.fullmatch(part) else _fixed(part) for part in parts]
        self._said = not says_places
        self._frames: dict[tuple[Modality, str], list[Sequence[Segment] | None]] = {}

    @property
    def special_tokens(self) -> list[str]:
        """The names of the special tokens that the template holds."""
        return [segment.name for part in self._frame(Content()) for segment in part or () if isinstance(segment, Special)]

    def segments(self, content: Content) -> list[Segment]:
        """Returns the turn.

        Raises:
            DataError: if the content is empty, or its text has more places than it has media, or another kind of place.
        """
        if not content.modality:
            raise DataError(must_be("a content", "a text, a medium or both", "empty", "Drop it, or give it one of them."))
        body, frame = self._body(content), self._frame(content)
        return [segment for part in frame for segment in (body if part is None else part)]

    def _frame(self, content: Content) -> list[Sequence[Segment] | None]:
        """Returns what the parts of the template become, which few contents differ in; None where the content stands."""
        key = content.modality, content.instruction
        if key not in self._frames:
            if len(self._frames) >= _MAX_FRAMES:
                self._frames.clear()
            self._frames[key] = [None if part == "{content}" else self._at(part, content) for part in self._parts]
        return self._frames[key]

    def _at(self, part: str | Segment, content: Content) -> Sequence[Segment]:
        """Returns what a part of the template becomes that is not the content."""
        if not isinstance(part, str):
            return (part,)
        if part == "{instruction}":
            return self._instruction(content)
        if part == "{modalities}":
            return [Text(" and ".join(self._names(content)))]
        if part == "{instruction_turn}":
            told = self._instruction(content)
            return _system_turn(told) if told[0].text else []
        return [] if self.system is None else _system_turn([Text(self.system)])

    def _instruction(self, content: Content) -> list[Text]:
        text = plain_text(content.instruction).strip()
        if not text:
            return [Text(self.config.default_instruction)]
        if self.config.end_instruction and not unicodedata.category(text[-1]).startswith("P"):
            text += "."
        return [Text(text, of_user=True)]

    def _names(self, content: Content) -> list[str]:
        with_text = bool(content.instruction) and not self._has_place
        modality = content.modality | (Modality.TEXT if with_text else Modality(0))
        return [name for part, name in _WORDS.items() if part in modality]

    def _body(self, content: Content) -> list[Segment]:
        if not (content.media or content.instruction or "<" in content.text):  # most texts: there is nothing to be placed
            text = content.text.strip() if self.config.strip else content.text
            return [Text(text, of_user=True)]
        text, unplaced = self._with_instruction(content)
        order = list(range(len(content.media)))
        if self.config.media_first and INSTRUCTION_PLACE not in text and (self._has_place or content.instruction):
            begins = _BEGINS.match(text)
            unplaced += len(re.findall(_MEDIA, begins[0])) if begins else 0
            text = text[begins.end() :] if begins else text
            order[:unplaced] = sorted(order[:unplaced], key=lambda medium: content.media[medium].modality is not Modality.VIDEO)
        written = self._written(content, text)
        first = "".join(f"{content.media[medium].modality.place}{self.config.after_medium}" for medium in order[:unplaced])
        whole = first + written
        parts = re.split(f"({_MEDIA})", whole.strip() if self.config.strip else whole)
        media = iter(order)
        return [
            MediumPlace(next(media)) if place % 2 else Text(plain_text(part), of_user=True)
            for place, part in enumerate(parts)
            if place % 2 or part
        ]

    def _with_instruction(self, content: Content) -> tuple[str, int]:
        """Returns the text, with a place for an instruction only where it stands there, and how many media have no place in it."""
        text = content.text if content.instruction and not self._has_place else _INSTRUCTION.sub("", content.text)
        places = re.findall(_MEDIA, f"{content.instruction}\n{text}" if not self._has_place else text)
        expected = [medium.modality.place for medium in content.media]
        missing = len(expected) - len(places)
        if missing < 0 or places != expected[missing:]:
            hint = "Give each medium one place, in their order; those without stand first. For what people wrote see escape_places."
            raise DataError(
                must_be("the places in a text", f"those of its media, {expected}", places, f"The text is {text[:80]!r}. {hint}")
            )
        if missing and PLACES.sub("", text).strip() and not (self._said or self.config.media_first):
            self._said = True
            log.info("a medium has no place in its text (%r): it stands first. Said once.", text[:80])
        return text, missing

    def _written(self, content: Content, text: str) -> str:
        """Returns the text with the instruction in it, if that has no place in the template."""
        if not content.instruction or self._has_place:
            return text
        if INSTRUCTION_PLACE in text:
            before, _, after = text.partition(INSTRUCTION_PLACE)
            return f"{before}{content.instruction}{_INSTRUCTION.sub('', after)}"
        return f"{content.instruction}{self.config.after_instruction}{text}" if text else content.instruction
