"""Contents to tokens and tensors: what the encoder reads, made in the workers.

The turn is laid out by the prompt, its text tokenised and cut to length here; how a medium is read is asked of the checkpoint's family.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from unite.batch import EncodedContent, MicroBatch, index_tensor
from unite.config.schema.encoder import ReadingConfig
from unite.config.schema.prompt import PromptConfig
from unite.encoder.families.family import Family
from unite.encoder.prompt import MediumPlace, Prompt, Segment, Special, Text
from unite.errors import ConfigError, DataError, must_be, must_be_one_of
from unite.types import Content

#: How many texts' tokens are kept, and of how many characters at most: the prompt's own words come with every content.
_MAX_KNOWN, _MAX_KNOWN_CHARACTERS = 4096, 1024
#: Of a text, so many characters a token that fits are looked at first: four make a token of English.
_CHARACTERS_A_TOKEN = 8
#: Tokens beyond those that fit, and characters at the end, that are looked at too: what they are touches those beside them alone.
_MARGIN = 64


class ContentProcessor:
    """Encodes and pads contents for one checkpoint; holds no weights and can be sent to workers.

    Args:
        processor: the checkpoint's, from transformers.
        family: of the checkpoint; says how media are read.
        config: how contents are read, and the prompt that they are written by.
        says_places: as `unite.encoder.prompt.Prompt` takes it.

    Raises:
        ConfigError: if the prompt's template holds special tokens that the tokenizer has not, or the tokens of media.
    """

    def __init__(self, processor: Any, family: Family, config: ReadingConfig, *, says_places: bool = True) -> None:
        self.processor = processor
        self.reader = family.reader(processor, config)
        self.prompt = Prompt(config.prompt, config.system_prompt, says_places=says_places)
        if config.prompt != PromptConfig():  # UNITE's has no such attribute: embeddings cached by earlier versions keep their names
            self.prompt_settings = repr(config.prompt)
        self.max_length = config.max_length
        self._token_types = {int(getattr(processor, name)): number for name, number in family.token_types.items()}
        self._tokenizer = _of_plain_text(processor.tokenizer, {*family.special_tokens, *self.prompt.special_tokens}, self._token_types)
        self._special: dict[str, int] = {}
        self._texts: dict[str, list[int]] = {}
        self._ahead: dict[str, list[int]] = {}  # of those that are being encoded together
        self._check_special_tokens()
        self._suffix = self._tokenizer_suffix() if config.prompt.tokenizer_suffix else []

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._tokenizer.encode_special_tokens = True  # a pickled tokenizer forgets it

    def encode(self, content: Content) -> EncodedContent:
        """Tokenises one content and reads its media. A text that is too long loses its end (see `EncodedContent.is_cut`).

        Raises:
            DataError: if a medium is of a kind that the family does not read, its media alone are longer than `max_length`, or the places
                in its text are not those of its media.
        """
        return self._encoded(content, self._segments(content))

    def encode_texts(self, contents: Sequence[Content]) -> list[EncodedContent]:
        """Tokenises contents without media together, in the tokenizer's own threads: as `encode` of each.

        Raises:
            DataError: as `encode` does.
        """
        return self.begin_texts(contents)()

    def begin_texts(self, contents: Sequence[Content], threads: Executor | None = None) -> Callable[[], list[EncodedContent]]:
        """Begins what `encode_texts` does, and returns what waits for it.

        Args:
            threads: where the tokenizer is called, which leaves Python to others meanwhile; by default not before it is waited for.

        Raises:
            DataError: as `encode` does, now or then.
        """
        turns = [self._segments(content) for content in contents]
        texts = [run for turn in turns for run in _runs(turn) if isinstance(run, str) and run and run not in self._texts]
        tokenise = partial(self._tokenizer.encode_batch_fast, texts, add_special_tokens=False)
        tokenised = tokenise if threads is None else threads.submit(tokenise).result

        def encoded() -> list[EncodedContent]:
            self._ahead = {text: list(one.ids) for text, one in zip(texts, tokenised(), strict=True)}
            try:
                return [self._encoded(content, turn) for content, turn in zip(contents, turns, strict=True)]
            finally:
                self._ahead = {}

        return encoded

    def _segments(self, content: Content) -> list[Segment]:
        """Returns the turn, of a long text of the user no more than what fits and its end."""
        for medium in content.media:
            if medium.modality not in self.reader.modalities:
                hint = "Take another encoder, or leave these contents out."
                raise DataError(must_be_one_of("a medium for this encoder", map(str, self.reader.modalities), str(medium.modality), hint))
        segments = self.prompt.segments(content)
        return [self._shortened(segment) if isinstance(segment, Text) and segment.of_user else segment for segment in segments]

    def _encoded(self, content: Content, segments: list[Segment]) -> EncodedContent:
        media = [self.reader.read(medium) for medium in content.media]
        ids, is_cut = self._fitting(segments, content, [self._marked(medium.tokens) for medium in media])
        tokens = np.array(ids, dtype=np.int64)  # a third of the time that torch takes for a list
        order = [segment.medium for segment in segments if isinstance(segment, MediumPlace)]
        tensors = _joined([media[medium].tensors for medium in order])
        if media:
            tensors["fingerprints"] = index_tensor([content.media[medium].fingerprint for medium in order])
            tensors["modalities"] = index_tensor([content.media[medium].modality.value for medium in order])
        types = np.zeros_like(tokens)
        for token, number in self._token_types.items() if media else ():
            types[tokens == token] = number
        return EncodedContent(torch.from_numpy(tokens), torch.from_numpy(types), tensors, is_cut)

    def pad(self, encoded: Sequence[EncodedContent], contents: Sequence[int]) -> MicroBatch:
        """Puts contents into one micro-batch, padded on the right."""
        pad_id = self.processor.tokenizer.pad_token_id  # many have none; it is masked whatever it is
        input_ids = pad_sequence([content.input_ids for content in encoded], batch_first=True, padding_value=pad_id or 0)
        lengths = index_tensor([content.num_tokens for content in encoded])
        token_types = torch.zeros_like(input_ids)
        if any(content.media for content in encoded):
            token_types = pad_sequence([content.token_types for content in encoded], batch_first=True)
        return MicroBatch(
            contents=index_tensor(contents),
            input_ids=input_ids,
            token_types=token_types,
            attention_mask=(torch.arange(input_ids.shape[1]) < lengths[:, None]).long(),
            media=_joined([content.media | {"rows": _repeated(row, content)} for row, content in enumerate(encoded) if content.media]),
        )

    def _fitting(self, segments: list[Segment], content: Content, media: Sequence[list[int]]) -> tuple[list[int], bool]:
        """Returns the tokens of a turn, the end of the user's text cut until they fit, and whether it was; `media` are their tokens."""
        ids = self._tokens(segments, media)
        is_cut = len(ids) > self.max_length
        while len(ids) > self.max_length:
            texts = [place for place, segment in enumerate(segments) if isinstance(segment, Text) and segment.of_user and segment.text]
            if not texts:
                raise DataError(self._too_long(content, len(ids), media))
            last = texts[-1]
            text = segments[last].text  # type: ignore[union-attr]
            offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
            kept = max(len(offsets) - (len(ids) - self.max_length), 0)
            end = min(offsets[kept][0], len(text) - 1) if kept < len(offsets) else len(text) - 1
            segments = [*segments[:last], Text(text[:end], of_user=True), *segments[last + 1 :]]
            ids = self._tokens(segments, media)
        return ids, is_cut

    def _shortened(self, segment: Text) -> Text:
        """Returns a text of which more than fits is left, and its very end: cut to length, it gives the tokens that the whole text gives.

        A tokeniser splits a text into words before it makes tokens of them, so what follows a blank is nothing to the tokens before it. A
        book is tokenised in the time of the pages that are read.
        """
        wanted = self.max_length + _MARGIN
        size = _CHARACTERS_A_TOKEN * wanted
        while size + _MARGIN < len(segment.text):
            begin = segment.text[: _word_end(segment.text, size)]
            if len(self._tokenizer.encode(begin, add_special_tokens=False).ids) >= wanted:
                return Text(begin + segment.text[-_MARGIN:], of_user=True)
            size *= 2
        return segment

    def _too_long(self, content: Content, num_tokens: int, media: Sequence[list[int]]) -> str:
        names = [
            f"{medium.modality} of {sum(token in self._token_types for token in tokens)} tokens"
            for medium, tokens in zip(content.media, media, strict=True)
        ]
        hint = (
            "Lower the encoder's pixel caps or the number of frames, or raise encoder.max_length; where the checkpoint brings its own, "
            "encoder.override.max_length."
        )
        found = f"{num_tokens} tokens without any text: the prompt with {', '.join(names) or 'no media'}"
        return must_be("a content", f"at most encoder.max_length ({self.max_length}) tokens long", found, hint)

    def _tokens(self, segments: Sequence[Segment], media: Sequence[list[int]]) -> list[int]:
        ids: list[int] = []
        for run in _runs(segments):
            if isinstance(run, str):
                ids += self._text_tokens(run)
            elif isinstance(run, MediumPlace):
                ids += media[run.medium]
            else:
                ids.append(self._special_token(run.name))
        return ids + self._suffix

    def _marked(self, tokens: list[int]) -> list[int]:
        """Returns the tokens that stand for a medium, as the prompt has it without the marks around it."""
        return tokens if self.prompt.config.media_marks else [token for token in tokens if token in self._token_types]

    def _text_tokens(self, text: str) -> list[int]:
        """Returns the tokens of a text; those of the prompt's own words are asked for with every content."""
        if text in self._texts:
            return self._texts[text]
        ids = self._ahead.get(text)
        if ids is None:
            ids = list(self._tokenizer.encode(text, add_special_tokens=False).ids) if text else []
        if len(text) <= _MAX_KNOWN_CHARACTERS:
            if len(self._texts) >= _MAX_KNOWN:
                self._texts.clear()
            self._texts[text] = ids
        return ids

    def _special_token(self, name: str) -> int:
        if name not in self._special:
            self._special[name] = int(self.processor.tokenizer.convert_tokens_to_ids(name))
        return self._special[name]

    def _check_special_tokens(self) -> None:
        """Refuses a template whose special tokens would be no tokens, or features of media that are not there."""
        known = self.processor.tokenizer.get_vocab()
        for name in self.prompt.special_tokens:
            if name not in known or known[name] in self._token_types:
                what = f"a special token of the prompt {self.prompt.config.name}"
                hint = "Take another prompt, or another checkpoint: media stand at {content}."
                expected = "one that the checkpoint's tokenizer has, and that stands for no medium"
                raise ConfigError(must_be(what, expected, name, hint))

    def _tokenizer_suffix(self) -> list[int]:
        """Returns what the checkpoint's tokenizer itself puts at the end of a text."""
        text, whole = (self._tokenizer.encode("a", add_special_tokens=with_its_own).ids for with_its_own in (False, True))
        return list(whole[whole.index(text[0]) + len(text) :])


def _runs(segments: Sequence[Segment]) -> list[str | Special | MediumPlace]:
    """Returns a turn with neighbouring texts as one, which they are to the tokenizer, as in the released code's template."""
    runs: list[str | Special | MediumPlace] = []
    for segment in segments:
        if not isinstance(segment, Text):
            runs.append(segment)
        elif runs and isinstance(runs[-1], str):
            runs[-1] += segment.text
        else:
            runs.append(segment.text)
    return runs


def _of_plain_text(tokenizer: Any, control: Collection[str], of_media: Collection[int]) -> Tokenizer:
    """Returns a copy of a checkpoint's tokenizer that reads all tokens by which a turn is built as plain text, where a user wrote them.

    Those that the checkpoint declares special, and what a prompt writes and a medium stands for even if it does not.
    """
    copy = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    names = {*control, *tokenizer.convert_ids_to_tokens(sorted(of_media))}
    undeclared = [token.content for token in copy.get_added_tokens_decoder().values() if token.content in names and not token.special]
    copy.add_special_tokens(undeclared)
    copy.encode_special_tokens = True
    return copy


def _word_end(text: str, size: int) -> int:
    """Returns where to cut a text that has more characters: before the last blank behind a word, or where there is none nearby, there."""
    end = text.rfind(" ", size * 3 // 4, size)
    while end > 0 and text[end - 1].isspace():
        end = text.rfind(" ", size * 3 // 4, end)
    return end if end > 0 else size


def _repeated(row: int, content: EncodedContent) -> Tensor:
    return torch.full_like(content.media["fingerprints"], row)


def _joined(tensors: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Returns tensors of equal names concatenated, each of those that have it; a single one is not copied."""
    if len(tensors) <= 1:
        return dict(tensors[0]) if tensors else {}
    names = dict.fromkeys(name for each in tensors for name in each)
    return {name: torch.cat([each[name] for each in tensors if name in each]) for name in names}
