"""Texts to tokens, many at a time, in a thread beside the one that looks up and lays out the next: the tokenizer leaves Python alone."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from typing import Any, TypeAlias

from unite.batch import EncodedContent
from unite.embedding.lazy import named
from unite.errors import DataError
from unite.types import Content

#: Texts tokenised together.
TEXTS_TOGETHER = 64

#: The index of a content among the unique ones, its name, and the content or what it was encoded as.
_Text: TypeAlias = tuple[int, str, Content]
_Encoded: TypeAlias = tuple[int, str, EncodedContent]


class TextsTogether:
    """Contents without media on their way through a processor; those that were begun come out when the next are.

    Args:
        processor: encodes them one by one, and many together if it has `begin_texts` (`ContentProcessor`).
        threads: where the tokenizer is called.
    """

    def __init__(self, processor: Any, threads: Executor) -> None:
        self._processor = processor
        self._threads = threads
        self._begin_texts: Any = getattr(processor, "begin_texts", None)
        self._waiting: list[_Text] = []
        self._begun: tuple[list[_Text], Callable[[], list[EncodedContent]] | None] = [], None

    def add(self, index: int, name: str, content: Content) -> list[_Encoded]:
        """Takes a content, and returns those that are encoded by now. Raises DataError if one cannot be; it is named."""
        if self._begin_texts is None:
            return self._one_by_one([(index, name, content)])
        self._waiting.append((index, name, content))
        return self._next() if len(self._waiting) == TEXTS_TOGETHER else []

    def rest(self) -> list[_Encoded]:
        """Returns all that were added and not returned yet. Raises DataError as `add` does."""
        return [*self._next(), *self._next()]

    def _next(self) -> list[_Encoded]:
        """Begins with those that wait, and returns those that were begun before."""
        waiting, self._waiting = self._waiting, []
        (texts, begun), self._begun = self._begun, (waiting, self._begin(waiting))
        if begun is not None:
            with suppress(DataError):
                return [(index, name, encoded) for (index, name, _), encoded in zip(texts, begun(), strict=True)]
        return self._one_by_one(texts)

    def _begin(self, texts: list[_Text]) -> Callable[[], list[EncodedContent]] | None:
        with suppress(DataError):
            return self._begin_texts([content for _, _, content in texts], self._threads) if texts else None
        return None

    def _one_by_one(self, texts: list[_Text]) -> list[_Encoded]:
        """Returns them encoded, so that one which cannot be is named."""
        encoded = []
        for index, name, content in texts:
            with named(name):
                encoded.append((index, name, self._processor.encode(content)))
        return encoded
