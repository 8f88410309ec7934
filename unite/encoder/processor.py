"""Contents to tokens and tensors: what the encoder reads, made in the workers.

The turn is laid out by the prompt, its text tokenised and cut to length here; how a medium is read is asked of the checkpoint's family.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from unite.batch import EncodedContent, MicroBatch, index_tensor
from unite.config.schema.encoder import ReadingConfig
from unite.config.schema.prompt import PromptConfig
from unite.encoder.families.family import Family
from unite.encoder.plain_tokenizer import PlainTokenizer
from unite.encoder.prompt import MediumPlace, Prompt, Segment, Special, Text
from unite.errors import ConfigError, DataError, must_be, must_be_one_of
from unite.types import Content


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
        self._tokenizer = PlainTokenizer(processor.tokenizer, {*family.special_tokens, *self.prompt.special_tokens}, self._token_types)
        self._special: dict[str, int] = {}
        self._check_special_tokens()
        self._suffix = self._tokenizer.suffix() if config.prompt.tokenizer_suffix else []

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
        ready = self._tokenizer.begin([run for turn in turns for run in _runs(turn) if isinstance(run, str)], threads)

        def encoded() -> list[EncodedContent]:
            with ready():
                return [self._encoded(content, turn) for content, turn in zip(contents, turns, strict=True)]

        return encoded

    def _segments(self, content: Content) -> list[Segment]:
        """Returns the turn, of a long text of the user no more than what fits and its end."""
        for medium in content.media:
            if medium.modality not in self.reader.modalities:
                hint = "Take another encoder, or leave these contents out."
                raise DataError(must_be_one_of("a medium for this encoder", map(str, self.reader.modalities), str(medium.modality), hint))
        segments = self.prompt.segments(content)
        return [
            replace(segment, text=self._tokenizer.shortened(segment.text, self.max_length))
            if isinstance(segment, Text) and segment.of_user
            else segment
            for segment in segments
        ]

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
            starts = self._tokenizer.starts(text)
            kept = max(len(starts) - (len(ids) - self.max_length), 0)
            end = min(starts[kept], len(text) - 1) if kept < len(starts) else len(text) - 1
            segments = [*segments[:last], Text(text[:end], of_user=True), *segments[last + 1 :]]
            ids = self._tokens(segments, media)
        return ids, is_cut

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
                ids += self._tokenizer.ids(run)
            elif isinstance(run, MediumPlace):
                ids += media[run.medium]
            else:
                ids.append(self._special_token(run.name))
        return ids + self._suffix

    def _marked(self, tokens: list[int]) -> list[int]:
        """Returns the tokens that stand for a medium, as the prompt has it without the marks around it."""
        return tokens if self.prompt.config.media_marks else [token for token in tokens if token in self._token_types]

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


def _repeated(row: int, content: EncodedContent) -> Tensor:
    return torch.full_like(content.media["fingerprints"], row)


def _joined(tensors: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Returns tensors of equal names concatenated, each of those that have it; a single one is not copied."""
    if len(tensors) <= 1:
        return dict(tensors[0]) if tensors else {}
    names = dict.fromkeys(name for each in tensors for name in each)
    return {name: torch.cat([each[name] for each in tensors if name in each]) for name in names}
