r"""A prompt as the chat template of a processor: whoever renders messages by it writes contents as the encoder was trained on them.

    messages     [system: the instruction,] user: parts of type text, image and video, or a text alone
    rendered     <|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>\na red cat\nSummary above sentence and image in one word:...

It writes what `unite.encoder.prompt` writes of a `Content`:

    one text, or none    its media stand first, images before videos, wherever they are in the message: as `Embedder` has it of a mapping
    several texts        all stands as it is in the message: a `Content` with places in its text

What a user writes stays plain text. A tokenizer finds its special tokens in the raw text, so the template puts `GUARD` into whatever could
be one, and the exported tokenizer's normaliser, which runs after that, takes it out again (`unite.export.tokenizer`): the tokens are those
of the text as it was written. Jinja eats line breaks beside its tags, so nothing is written but by expressions.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path

from unite.config.schema.prompt import PARTS, PromptConfig
from unite.encoder.chat_prompt import GUARD
from unite.export.plain_positions import MARK
from unite.media import KINDS
from unite.types import Modality

_BODY = Path(__file__).parent / "templates" / "chat_template.jinja"


def chat_template(
    config: PromptConfig, system: str | None, tokens: Collection[str], places: Mapping[Modality, str], guarded: Collection[str] = ()
) -> str:
    """Returns the Jinja template of a prompt.

    Args:
        config: the prompt.
        system: the system prompt of templates with `{system}`; None leaves that turn out.
        tokens: what a text must not become: the tokens by which turns are built.
        places: of each kind of media that the encoder reads, what stands for it: a token, with the marks around it.
        guarded: what else a text must not hold as it is.
    """
    kinds = [kind for kind in KINDS if kind.modality in places]
    prompt = {
        "template": [*_parts(config, system)],
        "guard": GUARD,
        "guarded": [*(["<|"] if all(token.startswith("<|") for token in tokens) else sorted(tokens)), *guarded],
        "has_place": "{instruction}" in config.template,
        "default_instruction": config.default_instruction,
        "end_instruction": config.end_instruction,
        "punctuation": _punctuation() if config.end_instruction else "",
        "after_instruction": config.after_instruction,
        "after_medium": config.after_medium,
        "media_first": config.media_first,
        "strip": config.strip,
        "text_word": "sentence",
        "order": [kind.word for kind in kinds],
        "kinds": {key: kind.word for kind in kinds for key in (kind.word, f"{kind.word}_url")},  # as sentence-transformers and OpenAI say
        "media": {kind.word: places[kind.modality] for kind in kinds},
    }
    options = json.dumps(prompt, ensure_ascii=False).replace(GUARD, "\\ufdd0").replace(MARK, "\\ufdd1")
    return f"{{%- set prompt = {options} -%}}\n{_BODY.read_text(encoding='utf-8')}"


def _parts(config: PromptConfig, system: str | None) -> Iterator[tuple[str, str]]:
    """Yields (kind, text) of each part of a template."""
    for part in filter(None, PARTS.split(config.template)):
        if part == "{system}":
            if system is not None:
                yield from (("special", "<|im_start|>"), ("text", f"system\n{system}"), ("special", "<|im_end|>"), ("text", "\n"))
        elif not PARTS.fullmatch(part):
            yield "text", part
        elif part.startswith("{"):
            yield part[1:-1], ""
        else:
            yield "special", part


@cache
def _punctuation() -> str:
    """Returns all that Unicode calls punctuation, which Jinja cannot ask."""
    return "".join(letter for letter in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(letter).startswith("P"))
