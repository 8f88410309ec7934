"""One source of pairs, as a LightningDataModule of its own: `text -> image`, say, streamed from WebDataset shards."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
import pytorch_lightning as pl
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from unite.config.schema.data import SourceConfig
from unite.data.address import Address, existing_shards
from unite.data.clips import in_turn, shown, with_order_negatives
from unite.data.decode import decode_row
from unite.data.order import SourceSize
from unite.data.shards import ShardReader
from unite.errors import DataError, must_be
from unite.types import Example, Modality, fingerprint, plain_text

#: Characters of a text that a tokenizer is trained on.
_LEARNT_FROM = 4096


class World(Protocol):
    """Builds data that a source reads: the built-in world, or any generator of a user's own."""

    @property
    def folder(self) -> Path:
        """Where the shards lie once built."""
        ...

    def prepare(self) -> None:
        """Builds what is not there yet; does nothing when it is."""
        ...

    def texts(self) -> Iterable[str]:
        """Returns the training texts, once prepared: what a tokenizer is trained on."""
        ...


class SourceDataModule(pl.LightningDataModule):
    """Streams the examples of one source.

    Args:
        config: the options, each documented there; its `world` is one that is built, or None.

    Raises:
        DataError: if `query` or `positive` is no modality.
    """

    def __init__(self, config: SourceConfig) -> None:
        super().__init__()
        self.source = config.name
        self.query = Modality.parse(config.query)
        self.positive = Modality.parse(config.positive)
        self.neighbours = config.neighbours
        self.decoding = config.decoding
        self.clips = config.clips
        self.world: World | None = config.world
        self.shards = config.shards
        self._reader: ShardReader | None = None
        self.held_out: ShardReader | None = None
        self._without: Mapping[int, frozenset[int]] = {}

    def prepare_data(self) -> None:
        """Builds the world, if the source has one. Lightning calls it on rank 0 alone."""
        if self.world is not None:
            self.world.prepare()

    def setup(self, stage: str | None = None) -> None:
        """Opens the shards.

        Raises:
            DataError: if there are none, or one is truncated or has changed.
        """
        if self._reader is None:
            self._reader = ShardReader(self._addresses())

    def leave_out(self, held_out: NDArray[np.int64], kept: NDArray[np.int64], without: Mapping[int, frozenset[int]]) -> None:
        """Keeps rows from training, see `unite.data.held_out`.

        Args:
            held_out: the rows that are `self.held_out` from now on, a reader of its own.
            kept: those that the source has from now on.
            without: kept row, counted among the kept -> negatives that it has no more.
        """
        whole = self.reader
        self.held_out, self._reader, self._without = whole.of_rows(held_out), whole.of_rows(kept), without

    @property
    def num_held_out(self) -> int:
        """How many rows are held out."""
        return 0 if self.held_out is None else len(self.held_out)

    @property
    def held_out_fingerprint(self) -> str:
        """16 hex digits that tell which rows are held out."""
        rows = (
            [] if self.held_out is None else [part for position in range(len(self.held_out)) for part in self.held_out.identity(position)]
        )
        return f"{fingerprint(*rows):016x}"

    @property
    def reader(self) -> ShardReader:
        """The rows that are trained on; opens the shards on first use."""
        self.setup()
        if self._reader is None:
            raise DataError(f"source {self.source} has no shards.")
        return self._reader

    @property
    def size(self) -> SourceSize:
        """Its number of rows, and how they stay together."""
        return SourceSize(len(self.reader), self.neighbours)

    def example(self, position: int) -> Example:
        """Returns what training sees of a row: the decoded example, with what `clips` makes of its videos.

        Raises:
            DataError: if it cannot be read or decoded, or is not of the source's modalities; the message names the sample.
        """
        example = self._stored(position)
        beside = position ^ 1  # 0 and 1 are a couple, 2 and 3, ...
        if self.clips.in_turn and beside < len(self.reader) and self._goes_in_turn(min(position, beside)):
            example = in_turn(example, self._stored(beside), self.clips.in_turn_word, self.decoding.max_frames)
        example = with_order_negatives(example, self.clips)
        frames = self.clips.frames
        return replace(
            example,
            query=shown(example.query, frames),
            positives=tuple(shown(content, frames) for content in example.positives),
            negatives=tuple(shown(content, frames) for content in example.negatives),
        )

    def _goes_in_turn(self, first: int) -> bool:
        """Whether the couple that begins with a row goes in turn: the same in every epoch, whatever else is read."""
        return fingerprint("in turn", self.source, self.reader.name(first)) < self.clips.in_turn * 2**63

    def _stored(self, position: int) -> Example:
        """Returns the decoded example at a row, as it is stored. Raises DataError as `example` does."""
        key = f"{self.source}/{self.reader.name(position)}"
        try:
            row = self.reader.read(position)
        except DataError as error:
            raise DataError(f"sample {key}: {error}") from error
        if not row.positives:
            raise DataError(must_be(f"sample {key}", "a row with at least one positive", "without"))
        if position in self._without:
            row = replace(row, negatives=tuple(one for place, one in enumerate(row.negatives) if place not in self._without[position]))
        example = decode_row(row, key, self.source, self.decoding)
        for side, expected, content in (("query", self.query, example.query), ("positive", self.positive, example.positives[0])):
            if content.modality != expected:
                raise DataError(
                    must_be(f"the {side} of sample {key}", f"of modality {expected} (source.{self.source}.{side})", str(content.modality))
                )
        return example

    def texts(self, most: int = 5000) -> Iterator[str]:
        """Yields the texts of the source, instructions included: of all rows of a world, else of up to `most` rows, evenly spread.

        Of a long text it is the beginning: a tokenizer would learn from a book, or from a word without end, for minutes. A row that cannot
        be read is passed over here; it is named when its turn comes.
        """
        if self.world is not None:
            self.world.prepare()
            yield from self.world.texts()
            return
        step = max(1, len(self.reader) // most)
        for position in range(0, len(self.reader), step):
            try:
                row = self.reader.read(position)
            except DataError:
                continue
            for content in (row.query, *row.positives, *row.negatives):
                texts = (plain_text(text[:_LEARNT_FROM], "") for text in (content.text, content.instruction))
                yield from filter(None, texts)

    def train_dataloader(self) -> DataLoader[Example]:
        """Returns the examples of this source alone, in the order of the shards, one at a time."""
        return DataLoader(_Rows(self), batch_size=None)

    def _addresses(self) -> list[Address]:
        where = self.shards
        if self.world is not None and Address(where).is_local:
            # `..` is of the path as it is written: a world's folder that is a link has its neighbours beside the link.
            where = os.path.normpath(self.world.folder / where)
        return existing_shards(where, f"source.{self.source}.shards")


class _Rows(Dataset[Example]):
    def __init__(self, source: SourceDataModule) -> None:
        self.source = source

    def __len__(self) -> int:
        return len(self.source.reader)

    def __getitem__(self, position: int) -> Example:
        return self.source.example(position)

    def __iter__(self) -> Iterator[Example]:
        return (self[position] for position in range(len(self)))
