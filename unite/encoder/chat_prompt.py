r"""The prompt that a chat template writes, as a `PromptConfig`: what others train by messages is read here as they wrote it.

    rendered    <|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\na red cat<|im_end|>\n
    template    <|im_start|>system\n{instruction}<|im_end|>\n<|im_start|>user\n{content}<|im_end|>\n

The template is found by rendering messages with words that nobody writes and looking for them. Then, and for every prompt of
`conf/prompt`, contents of all kinds are written both ways: the first that always agrees is the one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from transformers.utils.chat_template_utils import render_jinja_template

from unite.config.folder import CONF
from unite.config.prompts import prompt_options
from unite.config.schema.prompt import PARTS, PromptConfig
from unite.encoder.prompt import MediumPlace, Prompt, Special
from unite.errors import ConfigError
from unite.types import Content, Medium, Modality

NAME = "chat_template"
_TEXT, _INSTRUCTION = "QqcontentqQ", "QqinstructionqQ"
_TURN = ("<|im_start|>system\n", "<|im_end|>\n")
#: What stands for a medium, as a chat template of the Qwen-VL families writes it.
_MEDIA = {Modality.IMAGE: "<|vision_start|><|image_pad|><|vision_end|>", Modality.VIDEO: "<|vision_start|><|video_pad|><|vision_end|>"}
#: A noncharacter, which Unicode keeps for uses such as this one: no text has it. Our own chat templates (`unite.export.chat_template`) keep
#: by it what a user writes from becoming a special token; the exported tokenizer takes it out.
GUARD = "\ufdd0"
_HELPFUL = "You are a helpful assistant."


def prompt_of(template: str, options: Mapping[str, Any]) -> tuple[PromptConfig, str | None] | None:
    """Returns the prompt that a chat template writes, and its system prompt; None if it is none that can be written here.

    Args:
        template: Jinja, rendered in transformers' sandbox.
        options: that it is rendered with (`add_generation_prompt`).

    Raises:
        ConfigError: if it cannot be rendered.
    """
    written = {key: _rendered(template, _messages(content), options) for key, content in enumerate(_samples())}
    for prompt, system in (*_derived(template, options), *_named()):
        writes = Prompt(prompt, system, says_places=False)
        if all(_as_text(writes, content) == written[key] for key, content in enumerate(_samples())):
            return prompt, system
    return None


def _samples() -> Iterator[Content]:
    """Yields contents of all kinds, with and without an instruction."""
    image, video = (Medium(modality, np.zeros((1, 1, 1, 3), np.uint8), 0) for modality in (Modality.IMAGE, Modality.VIDEO))
    for instruction in ("", "Find the same"):
        for text in ("a red cat", " two\nlines "):
            yield Content(text=text, instruction=instruction)
            yield Content(text=text, media=(image,), instruction=instruction)
        for media in ((image,), (video,), (image, image)):
            yield Content(media=media, instruction=instruction)


def _messages(content: Content) -> list[dict[str, Any]]:
    """Returns the messages that sentence-transformers makes of a content with its media first, its prompt as a system turn."""
    parts = [{"type": str(medium.modality), str(medium.modality): ""} for medium in content.media]
    parts += [{"type": "text", "text": content.text}] if content.text else []
    return [*_turn("system", content.instruction), {"role": "user", "content": parts}]


def _turn(role: str, text: str) -> list[dict[str, Any]]:
    return [{"role": role, "content": [{"type": "text", "text": text}]}] if text else []


def _rendered(template: str, messages: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> str:
    try:
        rendered: Any = render_jinja_template([list(map(dict, messages))], chat_template=template, **options)
    except Exception as error:  # whatever a template raises: Jinja's own errors, and Python's of its expressions
        raise ConfigError(f"the chat template cannot be rendered ({error!r}).") from error
    return str(rendered[0][0]).replace(GUARD, "")


def _as_text(prompt: Prompt, content: Content) -> str:
    """Returns a content as a prompt writes it."""
    return "".join(
        _MEDIA[content.media[segment.medium].modality]
        if isinstance(segment, MediumPlace)
        else segment.name
        if isinstance(segment, Special)
        else segment.text
        for segment in prompt.segments(content)
    )


def _derived(template: str, options: Mapping[str, Any]) -> Iterator[tuple[PromptConfig, str | None]]:
    """Yields the prompts that lay contents out as the template does, where it does nothing but put them between fixed words."""
    parts = _rendered(template, _turn("user", _TEXT), options).split(_TEXT)
    told = _rendered(template, [*_turn("system", _INSTRUCTION), *_turn("user", _TEXT)], options).split(_TEXT)[0].split(_INSTRUCTION)
    if len(parts) != 2 or any("{" in found for part in (*parts, *told) for found in PARTS.findall(part)):
        return  # fixed words that would be places
    before, after = parts
    found = []
    if len(told) == 2 and before.startswith(told[0]) and before.endswith(told[1]) and len(before) >= len(told[0]) + len(told[1]):
        default = before[len(told[0]) : len(before) - len(told[1])]
        found.append((f"{told[0]}{{instruction}}{told[1]}{{content}}{after}", default))
    if len(told) == 2 and told[0] == _TURN[0] and told[1] == _TURN[1] + before:
        found.append((f"{{instruction_turn}}{before}{{content}}{after}", ""))
    for layout, default in found:
        prompt = PromptConfig(name=NAME, template=layout, default_instruction=default, after_medium="", strip=False, tokenizer_suffix=True)
        yield prompt, None


def _named() -> Iterator[tuple[PromptConfig, str | None]]:
    """Yields the prompts that there are, with each system prompt that is usual."""
    for file in sorted((CONF / "prompt").glob("*.yaml")):
        prompt = prompt_options(file.stem)["prompt"]
        yield from ((prompt, system) for system in ((None, _HELPFUL) if "{system}" in prompt.template else (None,)))
