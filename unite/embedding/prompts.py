"""Instructions by name, resolved as sentence-transformers does it (`_resolve_prompt`, `encode_query`, `encode_document` in 6.2)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import NoneType
from typing import Literal

from unite.errors import ConfigError, must_be, must_be_one_of
from unite.sentence_modules import sentence_folder

log = logging.getLogger(__name__)

#: What the prompt of a side may be called: the first that there is.
_OF_SIDE = {"query": ("query",), "document": ("document", "passage", "corpus")}


class NamedPrompts:
    """Instructions by name.

    Args:
        prompts: by name; None is an empty one. `query` and `document` are there, empty, unless they are given.
        default_name: which is taken where none is named.

    Raises:
        ConfigError: if one is no string, or there is none of the default's name.
    """

    def __init__(self, prompts: Mapping[str, str | None], default_name: str | None) -> None:
        for name, prompt in prompts.items():
            if not isinstance(prompt, str | NoneType):
                raise ConfigError(must_be(f"prompts[{name!r}]", "a string, the instruction", type(prompt).__name__))
        self._prompts = {"query": "", "document": "", **{name: prompt or "" for name, prompt in prompts.items()}}
        self._default_name = default_name
        self.instruction(None, None)

    @classmethod
    def of(cls, path: str, prompts: Mapping[str, str | None] | None, default_name: str | None) -> NamedPrompts:
        """Returns those that are given; where none are, those that sentence-transformers saved beside the checkpoint at `path`."""
        saved = sentence_folder(path) if prompts is None else None
        if saved is None:
            return cls(prompts or {}, default_name)
        return cls(saved.prompts, saved.default_prompt_name if default_name is None else default_name)

    def instruction(self, prompt: str | None, prompt_name: str | None) -> str:
        """Returns the instruction that is meant, the prompt before its name. Raises ConfigError if there is none of that name."""
        if prompt is not None:
            if not isinstance(prompt, str):
                raise ConfigError(must_be("prompt", "a string, the instruction", type(prompt).__name__))
            if prompt_name is not None:
                log.warning("both a prompt and a prompt_name are given: the prompt is taken.")
            return prompt
        name = self._default_name if prompt_name is None else prompt_name
        if name is not None and name not in self._prompts:
            what = "default_prompt_name" if prompt_name is None else "prompt_name"
            raise ConfigError(must_be_one_of(what, self._prompts, name, "Give it in prompts={...}, or the instruction itself as prompt."))
        return "" if name is None else self._prompts[name]

    def of_side(self, side: Literal["query", "document"], prompt_name: str | None, prompt: str | None) -> str | None:
        """Returns the name to take for queries or documents: the side's own, where nothing is given."""
        if prompt_name is not None or prompt is not None:
            return prompt_name
        return next((name for name in _OF_SIDE[side] if name in self._prompts), None)
