"""The mixture: sources blended by their shares into one stream of batches that resumes exactly.

A source that has shown all its rows begins again in another order (`exhausted="repeat"`), or the epoch ends with the last step before the
first source would begin again (`exhausted="end"`). The order being a pure function, the length of that epoch is known before the run.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
from torch.utils.data import DataLoader

from unite.batch import Batch, Processor
from unite.config.schema.data import DataConfig, Exhausted, MixtureConfig
from unite.data.collate import Collator
from unite.data.held_out import HeldOut
from unite.data.loading import Steps, load_batches
from unite.data.order import MixtureOrder, SourceSize, shares_by_temperature
from unite.data.source import SourceDataModule
from unite.errors import ConfigError, DataError, caught, must_be, raise_all

log = logging.getLogger(__name__)


class MixtureDataModule(pl.LightningDataModule):
    """Blends sources into batches.

    The batch of step t is a function of seed and t alone (`order.py`); ranks take equal, consecutive parts of it. Its state is the number
    of steps taken, so a resumed run sees the samples that the undisturbed run would have seen.

    Args:
        mixture: shares and order, each option documented there. Its sources are given beside it, built.
        data: how batches are made, likewise.
        sources: by name.
        seed: of the order.
        held_out: takes rows out of the sources before the order is laid down.
    """

    def __init__(
        self,
        mixture: MixtureConfig,
        data: DataConfig,
        sources: Mapping[str, SourceDataModule],
        seed: int = 0,
        held_out: HeldOut | None = None,
    ) -> None:
        super().__init__()
        self.sources = dict(sources)
        self.held_out = held_out
        self.shares = dict(mixture.shares or {})
        self.temperature = mixture.temperature
        self.exhausted = mixture.exhausted
        self.batch_size = data.batch_size
        self.run_length = mixture.run_length
        self.token_budget = data.token_budget
        self.num_workers = data.num_workers
        self.seed = seed
        self.steps_taken = 0
        self.num_steps = 0
        self._processor: Processor | None = None
        self._order: MixtureOrder | None = None

    def attach(self, processor: Processor, num_steps: int) -> int:
        """Hands over what only the run knows: the encoder's processor, and how many steps are wanted.

        Returns:
            How many steps there will be: fewer where the epoch ends before.

        Raises:
            ConfigError: if the epoch ends before the first step.
        """
        self._processor = processor
        self.num_steps = num_steps
        if self.exhausted == Exhausted.end:
            self.prepare_data()
            self.num_steps = min(num_steps, self._steps_an_epoch())
            if self.num_steps < num_steps:
                log.info("the epoch ends after %d steps of the %d asked for (mixture.exhausted=end)", self.num_steps, num_steps)
        return self.num_steps

    def check(self) -> None:
        """Opens every source and lays down the order, so that what is wrong with either is told before any stage is trained.

        Raises:
            ConfigError, DataError: as `setup` and `attach` would at the stage's beginning; what is wrong with several sources, at once.
        """
        raise_all(error for source in self.sources.values() for error in caught(_open, source))
        self.setup()
        if self.exhausted == Exhausted.end:
            self._steps_an_epoch()

    def prepare_data(self) -> None:
        """Prepares every source, on rank 0 alone."""
        for source in self.sources.values():
            source.prepare_data()

    def setup(self, stage: str | None = None) -> None:
        """Opens every source's shards, takes out what is held out, and lays down the order.

        Raises:
            ConfigError: if the order cannot be laid down, or what is held out leaves less than a batch to train on.
        """
        if self.held_out is not None:
            self.held_out.divide()
        sizes = {name: source.size for name, source in self.sources.items()}
        if self.held_out is not None and sum(size.num_rows for size in sizes.values()) < self.batch_size:
            hint = "Lower validation.held_out.share, or hold out nothing: validation=none."
            actual = {name: size.num_rows for name, size in sizes.items()}
            raise ConfigError(
                must_be("the rows left to train on", f"at least a batch of {self.batch_size} (data.batch_size)", actual, hint)
            )
        shares = self.shares if self.temperature is None else shares_by_temperature(sizes, self.temperature)
        self._order = MixtureOrder(sizes, shares, self.batch_size, self.run_length, self.seed)

    def held_out_order(self) -> MixtureOrder:
        """Returns the order of the held-out rows, in batches like those of training.

        Raises:
            ConfigError: if they fill no batch.
        """
        all_shares = self.order.shares  # lays it down, and so divides the rows
        sizes = {name: SourceSize(source.num_held_out, source.neighbours) for name, source in self.sources.items()}
        held = {name: size for name, size in sizes.items() if size.num_rows}
        shares = {name: all_shares[name] for name in held}
        order = MixtureOrder(held, shares, self.batch_size, self.run_length, seed=0)
        if not order.steps_an_epoch:
            hint = "Raise validation.held_out.share or max_rows, or lower data.batch_size."
            actual = {name: size.num_rows for name, size in sizes.items()}
            raise ConfigError(
                must_be("the held-out rows", f"enough for a batch of {self.batch_size} by the mixture's shares", actual, hint)
            )
        return order

    @property
    def order(self) -> MixtureOrder:
        """The order of samples; sets up on first use."""
        if self._order is None:
            self.setup()
        if self._order is None:
            raise DataError("the mixture was not set up.")
        return self._order

    @property
    def source_names(self) -> list[str]:
        """The names that its samples carry (`Example.source`), which need not be those of the sources here."""
        return [source.source for source in self.sources.values()]

    def account(self, step: int) -> dict[str, float]:
        """Returns what the log shows of each source after a number of steps.

        `source_epochs/<name>`: how often all its rows have come; `source_upsampling/<name>`: how much more often one of its rows comes than
        the average row of the mixture.
        """
        epochs, upsampling = self.order.epochs(step), self.order.upsampling()
        counts = {f"source_epochs/{name}": count for name, count in epochs.items()}
        return counts | {f"source_upsampling/{name}": factor for name, factor in upsampling.items()}

    def fingerprints(self) -> dict[str, str]:
        """Returns the checksum of each source's shards."""
        return {name: source.reader.checksum() for name, source in self.sources.items()}

    def held_out_fingerprints(self) -> dict[str, str]:
        """Returns what tells which rows are held out of each source that has some."""
        return {name: source.held_out_fingerprint for name, source in sorted(self.sources.items()) if source.num_held_out}

    def train_dataloader(self) -> DataLoader[Batch]:
        """Returns the batches of this rank, from the step after the last one taken."""
        if self._processor is None:
            raise ConfigError("the mixture has no processor: call attach(encoder.processor, num_steps) before training.")
        trainer = self.trainer
        rank, num_ranks = (trainer.global_rank, trainer.world_size) if trainer is not None else (0, 1)
        if self.batch_size % num_ranks:
            raise ConfigError(must_be("data.batch_size", f"a multiple of the number of ranks ({num_ranks})", self.batch_size))
        self._say_accounts()
        steps = Steps(self.order, self.steps_taken, self.num_steps, rank, num_ranks)
        return load_batches(self.sources, steps, Collator(self._processor, self.token_budget), self.num_workers)

    def state_dict(self) -> dict[str, Any]:
        """Returns the steps taken, for a checkpoint."""
        steps_taken = self.trainer.global_step if self.trainer is not None else self.steps_taken
        return {"steps_taken": steps_taken, **self._ordering()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continues where a checkpoint stopped.

        Raises:
            ConfigError: if seed, batch size, run length, shares, what is shown of clips or the sources' sizes differ: the samples or
                their order would be others.
        """
        ours = self._ordering()
        for name in (one for one in ours if one in state_dict):
            if state_dict[name] != ours[name]:
                hint = "A resumed run must keep the order of its samples, and what they are."
                raise ConfigError(must_be(f"{name} of the resumed run", str(state_dict[name]), ours[name], hint))
        self.steps_taken = int(state_dict["steps_taken"])

    def _steps_an_epoch(self) -> int:
        """Returns how many steps an epoch has. Raises ConfigError if it has none."""
        steps = self.order.steps_an_epoch
        if not steps:
            hint = "Lower data.batch_size or the share of the smallest source, or set mixture.exhausted=repeat."
            rows = {name: source.size.num_rows for name, source in self.sources.items()}
            raise ConfigError(must_be("an epoch of the mixture", "at least 1 step long", f"0 with rows {rows}", hint))
        return steps

    def _ordering(self) -> dict[str, Any]:
        """Returns all that the samples and their order follow from, beside the rows."""
        order = self.order
        sizes = {name: [size.num_rows, size.neighbours] for name, size in sorted(order.sizes.items())}
        held_out = self.held_out_fingerprints()
        clips = {name: told for name, source in sorted(self.sources.items()) if (told := source.clips.told)}
        return {
            "seed": self.seed,
            "batch_size": self.batch_size,
            "run_length": self.run_length,
            "shares": order.shares,
            "rows_and_neighbours": sizes,
            "clips": clips,
            **({"held_out": held_out} if held_out else {}),
        }

    def _say_accounts(self) -> None:
        epochs, upsampling = self.order.epochs(self.num_steps), self.order.upsampling()
        for name, size in sorted(self.order.sizes.items()):
            left_over = f"; the last {size.num_rows % size.neighbours} fill no block" if size.num_rows % size.neighbours else ""
            log.info(
                "source %s: %d rows%s, %.1f %% of the samples, upsampled %.2f times, %.2f epochs in %d steps",
                name,
                size.num_rows,
                left_over,
                100 * self.order.shares[name],
                upsampling[name],
                epochs[name],
                self.num_steps,
            )


def _open(source: SourceDataModule) -> None:
    source.prepare_data()
    source.setup()
