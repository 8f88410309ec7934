"""Rows kept from training, so that what the model makes of them tells what it makes of new ones.

    contents of all sources -> rows that share a query or a positive hang together -> whole clusters are drawn -> held out | trained on

A held-out content is in no training row: where it is a query or a positive the row is of the same cluster, and where it is a negative it is
taken out of the row. Rows of a block of neighbours hang together too: the order of training deals in whole blocks.

Which clusters are drawn is a function of the seed and of the contents alone, whatever shards or sources they lie in.

Shapes: B blocks of all sources, S sources, C clusters, K different contents (or groups).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unite.config.schema.validation import HeldOutConfig
from unite.data.identities import NEGATIVE, identities
from unite.data.source import SourceDataModule
from unite.errors import ConfigError, must_be
from unite.progress import shown
from unite.types import fingerprint

log = logging.getLogger(__name__)

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Division:
    """A source's rows, divided.

    Attributes:
        held_out, kept: rows of the whole source.
        without: kept row, counted among the kept -> the negatives that are taken out of it, since they are held-out contents.
    """

    held_out: Ints
    kept: Ints
    without: dict[int, frozenset[int]]


class HeldOut:
    """Divides the rows of sources into those that are trained on and those that are not.

    Args:
        config: how many, and the seed.
        sources: all that a run trains on, those of every stage: two of them may read the same shards.
    """

    def __init__(self, config: HeldOutConfig, sources: Sequence[SourceDataModule]) -> None:
        self.config = config
        self.sources = list(sources)
        self._divided = False

    def prepare(self) -> None:
        """Prepares every source, on rank 0 alone."""
        for source in self.sources:
            source.prepare_data()

    def divide(self) -> None:
        """Takes the held-out rows out of every source; does nothing a second time.

        Raises:
            ConfigError: if nothing can be held out.
            DataError: if a row cannot be read.
        """
        if self._divided:
            return
        self.prepare()
        with shown("choosing the rows that are held out"):
            divisions = divide(self.config, self.sources)
        for source, division in zip(self.sources, divisions, strict=True):
            source.leave_out(division.held_out, division.kept, division.without)
        self._divided = True


def divide(config: HeldOutConfig, sources: Sequence[SourceDataModule]) -> list[Division]:
    """Returns the division of each source. `HeldOut` documents the rest."""
    blocks = _Blocks(sources)
    cluster, first = clusters(blocks.block, blocks.content, len(blocks.source))
    sizes = np.zeros((len(first), len(sources)), dtype=np.int64)
    np.add.at(sizes, (cluster, blocks.source), blocks.rows)
    wanted = [_wanted(config, source) for source in sources]
    drawn = draw(sizes, _mixed(first, config.seed), np.array(wanted))
    for source, num, largest in zip(sources, sizes[drawn].sum(axis=0), sizes.max(axis=0), strict=True):
        log.info("source %s: %d of %d rows are held out", source.source, num, len(source.reader))
        if not num:
            hint = "nothing is validated of it"
            log.warning(
                "source %s has no row to hold out: %d of its rows hang together by shared contents; %s", source.source, largest, hint
            )
    if not sizes[drawn].any():
        hint = "Rows that share a content are held out together. Raise validation.held_out.share, or hold out nothing: validation=none."
        largest = {source.source: int(most) for source, most in zip(sources, sizes.max(axis=0), strict=True)}
        actual = f"none; of {dict(zip(largest, wanted, strict=True))} rows asked for, the largest clusters have {largest}"
        raise ConfigError(must_be("the rows that can be held out", "at least one block", actual, hint))
    return blocks.divided(drawn[cluster])


def _wanted(config: HeldOutConfig, source: SourceDataModule) -> int:
    """Returns how many rows of a source to hold out at most, in whole blocks, at least one of them."""
    num_rows = len(source.reader)
    most = num_rows if config.max_rows is None else config.max_rows
    return max(int(min(config.share * num_rows, most)) // source.neighbours, 1) * source.neighbours


class _Blocks:
    """The blocks of all sources, numbered through, and what they hold; queries and positives only.

    Attributes:
        source: (B,) of each block.
        rows: (B,) how many.
        block, content: (N,) each, which block holds which content or group, as a hash.
    """

    def __init__(self, sources: Sequence[SourceDataModule]) -> None:
        self.sources = sources
        self._lines = [identities(source.reader) for source in sources]
        counts = [len(source.reader) // source.neighbours for source in sources]
        self._starts = np.cumsum([0, *counts])
        self.source = np.repeat(np.arange(len(sources)), counts)
        self.rows = np.array([source.neighbours for source in sources])[self.source]
        blocks, contents = [], []
        for source, start, count, lines in zip(sources, self._starts, counts, self._lines, strict=False):
            row, what, own, group = lines.T
            block = row // source.neighbours
            served = (what != NEGATIVE) & (block < count)  # rows that fill no block are not trained on
            for key in (own, group):
                there = served & (key != 0)
                blocks.append(start + block[there])
                contents.append(key[there])
        self.block, self.content = np.concatenate(blocks), np.concatenate(contents)

    def divided(self, held: NDArray[np.bool_]) -> list[Division]:
        """Returns the rows of the blocks that are held, (B,), and those of the others."""
        contents = np.unique(self.content[held[self.block]])
        return [
            self._division(source, held[start:stop], lines, contents)
            for source, start, stop, lines in zip(self.sources, self._starts, self._starts[1:], self._lines, strict=False)
        ]

    @staticmethod
    def _division(source: SourceDataModule, held: NDArray[np.bool_], lines: Ints, contents: Ints) -> Division:
        num_rows = len(source.reader)
        is_held = np.zeros(num_rows, dtype=np.bool_)
        is_held[: len(held) * source.neighbours] = np.repeat(held, source.neighbours)
        kept = np.flatnonzero(~is_held)
        row, what, own, group = lines.T
        known = (what == NEGATIVE) & ~is_held[row] & (np.isin(own, contents) | (np.isin(group, contents) & (group != 0)))
        without: dict[int, set[int]] = {}
        first_negative = {}
        if known.any():
            negatives = np.flatnonzero(what == NEGATIVE)
            rows, firsts = np.unique(row[negatives], return_index=True)
            first_negative = dict(zip(rows.tolist(), negatives[firsts].tolist(), strict=True))
        for line in np.flatnonzero(known).tolist():
            position = int(row[line])
            without.setdefault(int(np.searchsorted(kept, position)), set()).add(line - first_negative[position])
        return Division(np.flatnonzero(is_held), kept, {position: frozenset(places) for position, places in without.items()})


def clusters(block: Ints, content: Ints, num_blocks: int) -> tuple[Ints, Ints]:
    """Returns the cluster of each block (B,), and of each cluster the smallest content (C,), which names it wherever it lies.

    Args:
        block, content: (N,) which block holds which content.
        num_blocks: B; a block without any content is a cluster of its own.
    """
    keys, key = np.unique(content, return_inverse=True)
    label = np.arange(num_blocks)
    while True:
        # A content takes the smallest label of its blocks, a block that of its contents, and then that of the block so named.
        smallest = np.full(len(keys), num_blocks)
        np.minimum.at(smallest, key, label[block])
        new = label.copy()
        np.minimum.at(new, block, smallest[key])
        new = new[new]
        if (new == label).all():
            break
        label = new
    _, cluster = np.unique(label, return_inverse=True)
    first = np.full(int(cluster.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, cluster[block], content)
    return cluster, first


def draw(sizes: Ints, order: Ints, wanted: Ints) -> NDArray[np.bool_]:
    """Returns which clusters are drawn, (C,): one after the other, each that fits.

    Args:
        sizes: (C, S) rows of each cluster in each source.
        order: (C,) the smallest comes first.
        wanted: (S,) rows of each source at most.
    """
    drawn = np.zeros(len(sizes), dtype=np.bool_)
    left = wanted.copy()
    for cluster in np.argsort(order, kind="stable").tolist():
        if (sizes[cluster] <= left).all():
            drawn[cluster] = True
            left -= sizes[cluster]
            if not left.any():
                break
    return drawn


def _mixed(keys: Ints, seed: int) -> Ints:
    """Returns other hashes of hashes, (C,), one set of them a seed (the finalizer of splitmix64)."""
    mixed = keys.view(np.uint64) ^ np.uint64(fingerprint("held out", str(seed)))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(1)).view(np.int64)
