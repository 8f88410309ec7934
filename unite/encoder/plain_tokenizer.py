"""A checkpoint's tokenizer as the encoder calls it: texts are plain text, whatever they hold, and what comes again is known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

from tokenizers import Tokenizer

#: How many texts' tokens are kept, and of how many characters at most: the prompt's own words come with every content.
_MAX_KNOWN, _MAX_KNOWN_CHARACTERS = 4096, 1024
#: Of a text, so many characters a token that fits are looked at first: four make a token of English.
_CHARACTERS_A_TOKEN = 8
#: Tokens beyond those that fit, and characters at the end, that are looked at too: what they are touches those beside them alone.
_MARGIN = 64


class PlainTokenizer:
    """Reads all tokens by which a turn is built as plain text, where a user wrote them. Can be sent to workers.

    Those are the tokens that the checkpoint declares special, and what a prompt writes and a medium stands for even if it does not.

    Args:
        tokenizer: of transformers; it stays as it is.
        control: tokens that a prompt writes.
        of_media: numbers of the tokens that media stand for.
    """

    def __init__(self, tokenizer: Any, control: Collection[str], of_media: Collection[int]) -> None:
        self._tokenizer = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
        names = {*control, *tokenizer.convert_ids_to_tokens(sorted(of_media))}
        added = self._tokenizer.get_added_tokens_decoder().values()
        self._tokenizer.add_special_tokens([token.content for token in added if token.content in names and not token.special])
        self._tokenizer.encode_special_tokens = True
        self._known: dict[str, list[int]] = {}
        self._ahead: dict[str, list[int]] = {}  # of texts that are being read together

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._tokenizer.encode_special_tokens = True  # a pickled tokenizer forgets it

    def ids(self, text: str) -> list[int]:
        """Returns the tokens of a text."""
        if text in self._known:
            return self._known[text]
        ids = self._ahead.get(text)
        if ids is None:
            ids = list(self._tokenizer.encode(text, add_special_tokens=False).ids) if text else []
        if len(text) <= _MAX_KNOWN_CHARACTERS:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[text] = ids
        return ids

    def begin(self, texts: Sequence[str], threads: Executor | None = None) -> Callable[[], AbstractContextManager[None]]:
        """Begins to read texts together, in the tokenizer's own threads. What it returns waits for that, and `ids` is quick in its block.

        Args:
            texts: those that are asked for then.
            threads: where the tokenizer is called, which leaves Python to others meanwhile; by default not before it is waited for.
        """
        unknown = [text for text in texts if text and text not in self._known]
        tokenise = partial(self._tokenizer.encode_batch_fast, unknown, add_special_tokens=False)
        tokenised = tokenise if threads is None else threads.submit(tokenise).result

        @contextmanager
        def ready() -> Iterator[None]:
            self._ahead = {text: list(one.ids) for text, one in zip(unknown, tokenised(), strict=True)}
            try:
                yield
            finally:
                self._ahead = {}

        return ready

    def starts(self, text: str) -> list[int]:
        """Returns where in a text each of its tokens begins, in characters."""
        return [start for start, _ in self._tokenizer.encode(text, add_special_tokens=False).offsets]

    def shortened(self, text: str, max_tokens: int) -> str:
        """Returns a text of which more than fits is left, and its very end: cut to length, it gives the tokens that the whole text gives.

        A tokeniser splits a text into words before it makes tokens of them, so what follows a blank is nothing to the tokens before it. A
        book is tokenised in the time of the pages that are read.
        """
        wanted = max_tokens + _MARGIN
        size = _CHARACTERS_A_TOKEN * wanted
        while size + _MARGIN < len(text):
            begin = text[: _word_end(text, size)]
            if len(self._tokenizer.encode(begin, add_special_tokens=False).ids) >= wanted:
                return begin + text[-_MARGIN:]
            size *= 2
        return text

    def suffix(self) -> list[int]:
        """Returns what the checkpoint's tokenizer itself puts at the end of a text."""
        text, whole = (self._tokenizer.encode("a", add_special_tokens=with_its_own).ids for with_its_own in (False, True))
        return list(whole[whole.index(text[0]) + len(text) :])


def _word_end(text: str, size: int) -> int:
    """Returns where to cut a text that has more characters: before the last blank behind a word, or where there is none nearby, there."""
    end = text.rfind(" ", size * 3 // 4, size)
    while end > 0 and text[end - 1].isspace():
        end = text.rfind(" ", size * 3 // 4, end)
    return end if end > 0 else size
