"""The mixture: sources blended by their shares into one stream of batches that resumes exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import pytorch_lightning as pl
from torch.utils.data import DataLoader, Dataset, Sampler

from unite.data.collate import Collator
from unite.data.order import MixtureOrder
from unite.data.source import SourceDataModule
from unite.errors import ConfigError, DataError, must_be
from unite.types import Batch, Example, Processor


class MixtureDataModule(pl.LightningDataModule):
    """Blends sources into batches.

    The batch of step t is a function of seed and t alone (`order.py`); ranks take equal, consecutive parts of it. Its state is the number
    of steps taken, so a resumed run sees the samples that the undisturbed run would have seen.

    Args:
        sources: by name.
        shares: each source's share of the samples; need not sum to 1.
        batch_size: samples a step over all ranks.
        run_length: places in a row that one source fills.
        token_budget: tokens in a micro-batch, padding included.
        num_workers: processes that decode and pack; 0 does it in the training process.
        seed: of the order.
    """

    def __init__(
        self,
        sources: Mapping[str, SourceDataModule],
        shares: Mapping[str, float],
        batch_size: int,
        run_length: int = 1,
        token_budget: int = 16384,
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.sources = dict(sources)
        self.shares = dict(shares)
        self.batch_size = batch_size
        self.run_length = run_length
        self.token_budget = token_budget
        self.num_workers = num_workers
        self.seed = seed
        self.steps_taken = 0
        self.num_steps = 0
        self._processor: Processor | None = None
        self._order: MixtureOrder | None = None

    def attach(self, processor: Processor, num_steps: int) -> None:
        """Hands over what only the run knows: the encoder's processor, and how many steps there will be."""
        self._processor = processor
        self.num_steps = num_steps

    def prepare_data(self) -> None:
        """Prepares every source, on rank 0 alone."""
        for source in self.sources.values():
            source.prepare_data()

    def setup(self, stage: str | None = None) -> None:
        """Opens every source's shards and lays down the order."""
        sizes = {name: source.size for name, source in self.sources.items()}
        self._order = MixtureOrder(sizes, self.shares, self.batch_size, self.run_length, self.seed)

    @property
    def order(self) -> MixtureOrder:
        """The order of samples; sets up on first use."""
        if self._order is None:
            self.setup()
        if self._order is None:
            raise DataError("the mixture was not set up.")
        return self._order

    def fingerprints(self) -> dict[str, str]:
        """Returns the checksum of each source's shards."""
        return {name: source.reader.checksum() for name, source in self.sources.items()}

    def train_dataloader(self) -> DataLoader[Batch]:
        """Returns the batches of this rank, from the step after the last one taken."""
        if self._processor is None:
            raise ConfigError("the mixture has no processor: call attach(encoder.processor, num_steps) before training.")
        trainer = self.trainer
        rank, num_ranks = (trainer.global_rank, trainer.world_size) if trainer is not None else (0, 1)
        if self.batch_size % num_ranks:
            raise ConfigError(must_be("data.batch_size", f"a multiple of the number of ranks ({num_ranks})", self.batch_size))
        return DataLoader(
            cast(Dataset[Batch], _Samples(self.sources)),  # samples go in, and the collate function makes batches of them
            batch_sampler=_Steps(self.order, self.steps_taken, self.num_steps, rank, num_ranks),
            collate_fn=_Reader(Collator(self._processor, self.token_budget)),
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            multiprocessing_context="fork" if self.num_workers else None,
        )

    def state_dict(self) -> dict[str, Any]:
        """Returns the steps taken, for a checkpoint."""
        steps_taken = self.trainer.global_step if self.trainer is not None else self.steps_taken
        return {"steps_taken": steps_taken, "seed": self.seed, "batch_size": self.batch_size}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continues where a checkpoint stopped.

        Raises:
            ConfigError: if seed or batch size differ: the order would be another one.
        """
        for name in ("seed", "batch_size"):
            if state_dict[name] != getattr(self, name):
                hint = "A resumed run must keep the order of its samples."
                raise ConfigError(must_be(f"{name} of the resumed run", str(state_dict[name]), getattr(self, name), hint))
        self.steps_taken = int(state_dict["steps_taken"])


class _Samples(Dataset[tuple[Example | None, str, str]]):
    """Reads a sample, or says why it cannot be read: (example, key, reason)."""

    def __init__(self, sources: Mapping[str, SourceDataModule]) -> None:
        self.sources = sources

    def __getitem__(self, sample: tuple[str, int]) -> tuple[Example | None, str, str]:
        name, at = sample
        source = self.sources[name]
        try:
            return source.example(at), "", ""
        except DataError as error:
            return None, f"{name}/{source.reader.name(at)}", str(error)


class _Reader:
    """Collates what could be read and names what could not. Never replaces a sample by another."""

    def __init__(self, collator: Collator) -> None:
        self.collator = collator

    def __call__(self, samples: Sequence[tuple[Example | None, str, str]]) -> Batch:
        batch = self.collator([example for example, _, _ in samples if example is not None])
        batch.skipped = [(key, reason) for example, key, reason in samples if example is None] + batch.skipped
        return batch


class _Steps(Sampler[list[tuple[str, int]]]):
    """Yields the samples of this rank, a list a step, from a step on. Its length is that of the whole run."""

    def __init__(self, order: MixtureOrder, first: int, num_steps: int, rank: int, num_ranks: int) -> None:
        self.order, self.first, self.num_steps, self.rank, self.num_ranks = order, first, num_steps, rank, num_ranks

    def __len__(self) -> int:
        return self.num_steps

    def __iter__(self) -> Iterator[list[tuple[str, int]]]:
        local = self.order.batch_size // self.num_ranks
        for step in range(self.first, self.num_steps):
            yield self.order.batch(step)[self.rank * local : (self.rank + 1) * local]
