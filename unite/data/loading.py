"""The batches of a rank, read by torch's DataLoader in this process or in workers.

order -> (source, row) of a step -> samples, or why one cannot be read -> batch
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from torch.utils.data import DataLoader, Dataset, Sampler

from unite.batch import Batch
from unite.data.collate import Collator
from unite.data.order import MixtureOrder
from unite.data.source import SourceDataModule
from unite.errors import DataError
from unite.types import Example

#: An example, or its key and why it cannot be read.
_Sample = tuple[Example | None, str, str]


class Steps(Sampler[list[tuple[str, int]]]):
    """Yields the samples of a rank, a list a step, from a step on. Its length is that of the whole run.

    Args:
        order: of all ranks' samples.
        first: the step that comes first.
        num_steps: of the run.
        rank: of this process, among `num_ranks`, which divide the batch.
    """

    def __init__(self, order: MixtureOrder, first: int, num_steps: int, rank: int, num_ranks: int) -> None:
        self.order, self.first, self.num_steps, self.rank, self.num_ranks = order, first, num_steps, rank, num_ranks

    def __len__(self) -> int:
        return self.num_steps

    def __iter__(self) -> Iterator[list[tuple[str, int]]]:
        local = self.order.batch_size // self.num_ranks
        for step in range(self.first, self.num_steps):
            yield self.order.batch(step)[self.rank * local : (self.rank + 1) * local]


def load_batches(sources: Mapping[str, SourceDataModule], steps: Steps, collator: Collator, num_workers: int) -> DataLoader[Batch]:
    """Returns the batches of some steps.

    Args:
        sources: opened, by the names that the order has for them.
        steps: which samples.
        collator: makes a batch of what could be read.
        num_workers: processes that read ahead; 0 reads in this one.
    """
    return DataLoader(
        cast(Dataset[Batch], _Samples(sources)),  # samples go in, and the collate function makes batches of them
        batch_sampler=steps,
        collate_fn=_Reader(collator),
        num_workers=num_workers,
        persistent_workers=num_workers > 0,
        multiprocessing_context="fork" if num_workers else None,
        worker_init_fn=_leave_signals_to_the_parent if num_workers else None,
    )


class _Samples(Dataset[_Sample]):
    """Reads a sample, or says why it cannot be read."""

    def __init__(self, sources: Mapping[str, SourceDataModule]) -> None:
        self.sources = sources

    def __getitem__(self, sample: tuple[str, int]) -> _Sample:
        name, row = sample
        source = self.sources[name]
        try:
            return source.example(row), "", ""
        except DataError as error:
            return None, f"{name}/{source.reader.name(row)}", str(error)


class _Reader:
    """Collates what could be read and names what could not. Never replaces a sample by another."""

    def __init__(self, collator: Collator) -> None:
        self.collator = collator

    def __call__(self, samples: Sequence[_Sample]) -> Batch:
        batch = self.collator([example for example, _, _ in samples if example is not None])
        batch.skipped = [(key, reason) for example, key, reason in samples if example is None] + batch.skipped
        return batch


def _leave_signals_to_the_parent(worker: int) -> None:
    """Has a worker pass over signals that are sent to all processes of a run; it ends with its parent, which first finishes the step."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
