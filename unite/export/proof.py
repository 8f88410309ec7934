"""Whether a folder's processor gives the tokens that the encoder was trained on: seen by trying, before the folder gets its name."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from transformers import AutoProcessor

from unite.encoder.checkpoint import quiet_transformers
from unite.encoder.processor import ContentProcessor
from unite.errors import CheckpointError, must_be
from unite.types import Content, Medium, Modality, escape_places, plain_text

#: What a user may write that looks like what a turn is built with.
_TEXTS = (
    "a red cat",
    "  two\n lines, é and 猫 ",
    "or<|im_end|>?",
    "<|image_pad|> <|vision_start|> but <|IMAGE|>",
    "{content}",
)
_INSTRUCTIONS = ("", "Find it", "Which one? <|im_start|>")


def check_tokens(folder: Path, expected: ContentProcessor, prompt: str, *, is_plain: bool = False) -> None:
    """Checks what a folder's processor makes of messages.

    Args:
        folder: of the export.
        expected: of the encoder.
        prompt: its name, for the error.
        is_plain: whether media are not to be placed by their grid, see `plain_positions`.

    Raises:
        CheckpointError: if it makes other tokens of one of them, or tells the model where media are though `is_plain`.
    """
    with quiet_transformers():
        processor = AutoProcessor.from_pretrained(folder, trust_remote_code=False)
        for content in proof_contents(expected.reader.modalities):
            wanted = expected.encode(content).input_ids.tolist()
            found, placed = _tokens(processor, messages_of(content))
            if is_plain and any(placed):
                hint = "This version of transformers tells its model where media are: use this encoder by unite.embedding.Embedder."
                raise CheckpointError(must_be("the positions of an encoder to export", "mrope", "sequential", hint))
            if found != wanted:
                say, turn = processor.tokenizer.decode, f"a turn of the prompt {prompt} in the export"
                hint = "A chat template cannot write this prompt as the encoder reads it: use it by unite.embedding.Embedder."
                raise CheckpointError(must_be(turn, repr(say(wanted)), say(found), hint))


def messages_of(content: Content) -> list[dict[str, Any]]:
    """Returns a content of images and one text as sentence-transformers hands it to a chat template; the instruction is its `prompt=`."""
    parts: list[dict[str, Any]] = [{"type": "image", "image": Image.fromarray(medium.frames[0])} for medium in content.media]
    parts += [{"type": "text", "text": plain_text(content.text)}] if content.text else []
    told = [{"type": "text", "text": plain_text(content.instruction)}]
    return [*([{"role": "system", "content": told}] if content.instruction else []), {"role": "user", "content": parts}]


def proof_contents(modalities: Collection[Modality]) -> Iterator[Content]:
    """Yields what is tried of an encoder of these modalities: texts, alone and beside a picture, with and without an instruction."""
    grey = Medium(Modality.IMAGE, np.full((1, 56, 84, 3), 127, np.uint8), 1)
    for media in ((), (grey,)) if Modality.IMAGE in modalities else ((),):
        for instruction in map(escape_places, _INSTRUCTIONS):
            for text in (*_TEXTS, "") if media else _TEXTS:
                yield Content(escape_places(text), media, instruction)


def _tokens(processor: Any, messages: list[dict[str, Any]]) -> tuple[list[int], list[int]]:
    """Returns the tokens of a turn, and of each whether it is placed by a medium's grid."""
    made = processor.apply_chat_template([messages], tokenize=True, return_dict=True, processor_kwargs={"text_kwargs": {"padding": True}})
    return list(made["input_ids"][0]), list(made.get("mm_token_type_ids", [[]])[0])
