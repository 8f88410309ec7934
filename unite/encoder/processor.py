"""Contents to tokens and tensors: what the encoder reads, made in the workers.

The turn is laid out by the prompt, its text tokenised and cut to length here; how a medium is read is asked of the checkpoint's family.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from unite.config.schema.encoder import ReadingConfig
from unite.encoder.families.family import Family
from unite.encoder.prompt import MediumPlace, Segment, Text
from unite.errors import DataError, must_be, must_be_one_of
from unite.types import Content, EncodedContent, MicroBatch, index_tensor

log = logging.getLogger(__name__)

#: How many texts' tokens are kept: the prompt's own words come with every content.
_MAX_KNOWN = 4096


class ContentProcessor:
    """Encodes and pads contents for one checkpoint; holds no weights and can be sent to workers.

    Args:
        processor: the checkpoint's, from transformers.
        family: of the checkpoint; says how media are read and how the chat turn is written.
        config: how contents are read.
    """

    def __init__(self, processor: Any, family: Family, config: ReadingConfig) -> None:
        self.processor = processor
        self.reader = family.reader(processor, config)
        self.prompt = family.prompt(config.system_prompt)
        self.max_length = config.max_length
        self._token_types = {int(getattr(processor, name)): number for name, number in family.token_types.items()}
        # A copy that reads special tokens in a user's text as plain text.
        self._tokenizer = Tokenizer.from_str(processor.tokenizer.backend_tokenizer.to_str())
        self._tokenizer.encode_special_tokens = True
        self._special: dict[str, int] = {}
        self._texts: dict[str, list[int]] = {}
        self.num_truncated = 0

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._tokenizer.encode_special_tokens = True  # a pickled tokenizer forgets it

    def encode(self, content: Content) -> EncodedContent:
        """Tokenises one content and reads its media.

        Raises:
            DataError: if a medium is of a kind that the family does not read, its media alone are longer than `max_length`, or the places
                in its text are not those of its media.
        """
        for medium in content.media:
            if medium.modality not in self.reader.modalities:
                hint = "Take another encoder, or leave these contents out."
                raise DataError(must_be_one_of("a medium for this encoder", map(str, self.reader.modalities), str(medium.modality), hint))
        media = [self.reader.read(medium) for medium in content.media]
        tokens = index_tensor(self._fitting(self.prompt.segments(content), content, [medium.tokens for medium in media]))
        tensors = _joined([medium.tensors for medium in media])
        if media:
            tensors["fingerprints"] = index_tensor([medium.fingerprint for medium in content.media])
            tensors["modalities"] = index_tensor([medium.modality.value for medium in content.media])
        types = torch.zeros_like(tokens)
        for token, number in self._token_types.items():
            types += number * (tokens == token)
        return EncodedContent(tokens, types, tensors)

    def pad(self, encoded: Sequence[EncodedContent], contents: Sequence[int]) -> MicroBatch:
        """Puts contents into one micro-batch, padded on the right."""
        pad_id = self.processor.tokenizer.pad_token_id
        return MicroBatch(
            contents=index_tensor(contents),
            input_ids=pad_sequence([content.input_ids for content in encoded], batch_first=True, padding_value=pad_id),
            token_types=pad_sequence([content.token_types for content in encoded], batch_first=True),
            attention_mask=pad_sequence([torch.ones_like(content.input_ids) for content in encoded], batch_first=True),
            media=_joined([content.media for content in encoded if content.media]),
        )

    def _fitting(self, segments: list[Segment], content: Content, media: Sequence[list[int]]) -> list[int]:
        """Returns the tokens of a turn, the end of the user's text cut until they fit; `media` are the tokens of its media."""
        ids = self._tokens(segments, media)
        if len(ids) <= self.max_length:
            return ids
        whole = len(ids)
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
        self._say_truncated(content, whole)
        return ids

    def _too_long(self, content: Content, num_tokens: int, media: Sequence[list[int]]) -> str:
        names = [
            f"{medium.modality} of {sum(token in self._token_types for token in tokens)} tokens"
            for medium, tokens in zip(content.media, media, strict=True)
        ]
        hint = "Lower the encoder's pixel caps or the number of frames, or raise encoder.max_length."
        found = f"{num_tokens} tokens without any text: the prompt with {', '.join(names) or 'no media'}"
        return must_be("a content", f"at most encoder.max_length ({self.max_length}) tokens long", found, hint)

    def _tokens(self, segments: Sequence[Segment], media: Sequence[list[int]]) -> list[int]:
        ids: list[int] = []
        text = ""  # neighbouring texts are one to the tokenizer, as they are in the released code's template
        for segment in segments:
            if isinstance(segment, Text):
                text += segment.text
                continue
            ids += self._text_tokens(text)
            text = ""
            if isinstance(segment, MediumPlace):
                ids += media[segment.medium]
            else:
                ids.append(self._special_token(segment.name))
        return ids + self._text_tokens(text)

    def _text_tokens(self, text: str) -> list[int]:
        """Returns the tokens of a text; those of the prompt's own words are asked for with every content."""
        if text not in self._texts:
            if len(self._texts) >= _MAX_KNOWN:
                self._texts.clear()
            self._texts[text] = list(self._tokenizer.encode(text, add_special_tokens=False).ids) if text else []
        return self._texts[text]

    def _special_token(self, name: str) -> int:
        if name not in self._special:
            self._special[name] = int(self.processor.tokenizer.convert_tokens_to_ids(name))
        return self._special[name]

    def _say_truncated(self, content: Content, num_tokens: int) -> None:
        """Counts, and says the first of each power of ten."""
        self.num_truncated += 1
        if str(self.num_truncated).strip("0") == "1":
            log.warning(
                "a text was cut: %d tokens, %d fit (encoder.max_length); %d so far. It begins %r.",
                num_tokens,
                self.max_length,
                self.num_truncated,
                content.text[:60],
            )


def _joined(tensors: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Returns tensors of equal names concatenated, each of those that have it; a single one is not copied."""
    if len(tensors) <= 1:
        return dict(tensors[0]) if tensors else {}
    names = dict.fromkeys(name for each in tensors for name in each)
    return {name: torch.cat([each[name] for each in tensors if name in each]) for name in names}
