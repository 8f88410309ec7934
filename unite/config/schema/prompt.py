"""How a content is written as the text that an encoder reads."""

from __future__ import annotations

import re
from dataclasses import dataclass

from unite.errors import ConfigError, must_be, must_be_one_of

#: What a template may hold, and must: `{content}`.
PLACES = ("system", "instruction", "instruction_turn", "content", "modalities")
#: Parts a template: its special tokens and its places.
PARTS = re.compile(r"(<\|\w+\|>|\{\w+\})")

_UNITE = "{system}<|im_start|>user\n{content}\nSummary above {modalities} in one word:<|im_end|>\n<|im_start|>assistant\n<|endoftext|>"


@dataclass(kw_only=True)
class PromptConfig:
    """How a content is written; the default is UNITE's. The embedding is the state of the last token, whatever the template ends with.

    Attributes:
        name: of the prompt; a template of one's own has a name of its own.
        template: with {content}, and as it needs them {instruction}, {modalities} and {system}. {modalities} becomes "sentence and image",
            {system} the system turn of encoder.system_prompt, {instruction_turn} a system turn of the instruction, or nothing without one.
            Without a place for it, an instruction stands before the content's text.
        default_instruction: what stands at {instruction} for a content without one.
        end_instruction: whether an instruction at {instruction} that ends with no punctuation gets a full stop.
        after_instruction: what parts an instruction before the text from it.
        after_medium: what follows each medium that stands before the text.
        media_first: whether media that begin a text stand before the instruction too, video before images. Each is then followed by
            after_medium alone; otherwise they stay as they are written, as media in the midst of a text always do.
        media_marks: whether media stand between `<|vision_start|>` and `<|vision_end|>`; without, encoder.positions must be sequential.
        strip: whether white space around what stands at {content} is taken away.
        tokenizer_suffix: whether the tokens that the checkpoint's own tokenizer puts at the end of a text (an EOS, say) follow.

    Raises:
        ConfigError: if the template has no place for the content, or one that there is not; or it is another under UNITE's name.
    """

    name: str = "unite"
    template: str = _UNITE
    default_instruction: str = ""
    end_instruction: bool = False
    after_instruction: str = "\n"
    after_medium: str = "\n"
    media_first: bool = False
    media_marks: bool = True
    strip: bool = True
    tokenizer_suffix: bool = False

    def __post_init__(self) -> None:
        found = [part[1:-1] for part in PARTS.findall(self.template) if part.startswith("{")]
        for place in found:
            if place not in PLACES:
                raise ConfigError(must_be_one_of("a place in encoder.prompt.template", [f"{{{one}}}" for one in PLACES], f"{{{place}}}"))
        if found.count("content") != 1:
            raise ConfigError(must_be("encoder.prompt.template", "a text with {content} in it, once", self.template))
        if self.name == "unite" and self.template != _UNITE:
            hint = "Give it a name: encoder.prompt.name=..."
            raise ConfigError(must_be("encoder.prompt.name", "another than that of UNITE's template", self.name, hint))
        if self.default_instruction and "instruction" not in found:
            hint = "It stands at {instruction} of the template, which has no such place."
            raise ConfigError(must_be("encoder.prompt.default_instruction", "empty", self.default_instruction, hint))
