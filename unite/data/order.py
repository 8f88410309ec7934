"""Which sample stands where in which batch: a pure function of the seed, the step and the sources' sizes.

The stream is a sequence of *runs*: `run_length` consecutive places of a batch that one source fills. Run i belongs to the source that the
low-discrepancy sequence frac(i * golden ratio + offset) points at, so after n runs every source has had its share of them to within a few
runs, at any n. A source serves its blocks of `neighbours` consecutive rows in an order reshuffled every time it begins again.

Nothing is carried from one step to the next: step t can be computed alone. Hence resuming is exact, with any number of workers; and the
batch of step t is the same set of samples however many ranks share it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unite.data.permutation import Permutation, permutation
from unite.errors import ConfigError, must_be, must_be_one_of, raise_all
from unite.types import fingerprint

_GOLDEN = (5**0.5 - 1) / 2
#: Runs counted at a time.
CHUNK = 1_000_000


@dataclass(frozen=True)
class SourceSize:
    """What the order needs to know of a source: its number of rows, and how many consecutive rows stay together."""

    num_rows: int
    neighbours: int = 1


def temperature_faults(temperature: float, mixture: str = "mixture") -> Iterator[ConfigError]:
    """Yields what is wrong with the temperature of a mixture; `mixture` is what its options are called."""
    if not temperature > 0:
        yield ConfigError(must_be(f"{mixture}.temperature", "above 0", temperature))


def order_faults(
    neighbours: Mapping[str, int], shares: Mapping[str, float] | None, batch_size: int, run_length: int, mixture: str = "mixture"
) -> Iterator[ConfigError]:
    """Yields what is wrong with an order, as far as it can be told before a shard is opened.

    Args:
        neighbours: of each source.
        shares: of each source; None where the sizes decide.
        batch_size, run_length: of the order.
        mixture: what the options of the mixture are called in the config, for messages.
    """
    names = sorted(neighbours)
    if not names:
        yield ConfigError(must_be(f"{mixture}.sources", "at least one source", "empty", "Choose a mixture: mixture=..."))
    if batch_size < 2:
        hint = "A batch of one has no negatives: nothing can be learnt from it."
        yield ConfigError(must_be("data.batch_size", "at least 2", batch_size, hint))
    for name, share in (shares or {}).items():
        if names and name not in neighbours:
            yield ConfigError(must_be_one_of(f"a name in {mixture}.shares", names, name))
        elif not 0 < share < float("inf"):
            hint = "To leave a source out, remove it from the mixture."
            yield ConfigError(must_be(f"{mixture}.shares.{name}", "above 0", share, hint))
    if shares is not None and not set(neighbours) <= set(shares):
        yield ConfigError(must_be(f"{mixture}.shares", f"a share for every source ({', '.join(names)})", sorted(shares)))
    if run_length < 1:
        yield ConfigError(must_be(f"{mixture}.run_length", "at least 1", run_length))
        return
    for count in sorted({count for count in neighbours.values() if count > 0}):  # others the source itself refuses
        if run_length % count:
            of = [name for name in names if neighbours[name] == count]
            expected = f"a multiple of the neighbours of {'source' if len(of) == 1 else 'sources'} {', '.join(of)} ({count})"
            yield ConfigError(must_be(f"{mixture}.run_length", expected, run_length))
    if batch_size >= 2 and batch_size % run_length:
        yield ConfigError(must_be("data.batch_size", f"a multiple of {mixture}.run_length ({run_length})", batch_size))


def size_faults(sizes: Mapping[str, SourceSize]) -> Iterator[ConfigError]:
    """Yields the sources that hold less rows than stay together."""
    for name, size in sizes.items():
        if size.num_rows < size.neighbours:
            yield ConfigError(
                must_be(f"the number of rows of source {name}", f"at least its neighbours ({size.neighbours})", size.num_rows)
            )


def shares_by_temperature(sizes: Mapping[str, SourceSize], temperature: float) -> dict[str, float]:
    """Returns shares proportional to num_rows ** (1 / temperature): 1 keeps the sizes' proportions, above 1 evens them out.

    Raises:
        ConfigError: if the temperature is not above 0.
    """
    raise_all(temperature_faults(temperature))
    most = max((size.num_rows for size in sizes.values()), default=1)  # of the largest one, lest a power overflow
    return {name: (size.num_rows / most) ** (1 / temperature) for name, size in sizes.items()}


class MixtureOrder:
    """The order of samples in training.

    Args:
        sizes: the sources, by name.
        shares: each source's share of the samples, by the same names; they need not sum to 1.
        batch_size: samples a step, over all ranks.
        run_length: how many places in a row one source fills (k of one source in a row, as VLM2Vec-V2's homogeneous sub-batches).
        seed: another seed, another order.
    """

    def __init__(
        self, sizes: Mapping[str, SourceSize], shares: Mapping[str, float], batch_size: int, run_length: int = 1, seed: int = 0
    ) -> None:
        self.names = sorted(sizes)
        self.sizes = dict(sizes)
        self.batch_size = batch_size
        self.run_length = run_length
        self.seed = seed
        raise_all(order_faults({name: size.neighbours for name, size in sizes.items()}, shares, batch_size, run_length))
        raise_all(size_faults(self.sizes))
        weights = np.array([shares[name] for name in self.names], dtype=np.float64)
        self.shares = dict(zip(self.names, (weights / weights.sum()).tolist(), strict=True))
        self._edges = np.cumsum(weights / weights.sum())
        self._edges[-1] = 1.0
        self._offset = fingerprint("runs", str(seed)) / 2**63
        self._shuffled: dict[tuple[int, int], Permutation] = {}
        self._counted = (0, np.zeros(len(self.names), dtype=np.int64))

    def batch(self, step: int) -> list[tuple[str, int]]:
        """Returns the samples of one step, (source, row) in the order of their places; `batch_size` of them."""
        runs = self.batch_size // self.run_length
        first = step * runs
        served = self._runs_before(first).copy()
        samples: list[tuple[str, int]] = []
        for source in self._sources(first, first + runs):
            samples += [(self.names[source], row) for row in self._run(source, int(served[source]))]
            served[source] += 1
        self._counted = (first + runs, served)
        return samples

    def epochs(self, step: int) -> dict[str, float]:
        """Returns how many times each source has been read through before a step."""
        served = self._runs_before(step * (self.batch_size // self.run_length))
        return {name: int(count) * self.run_length / self.sizes[name].num_rows for name, count in zip(self.names, served, strict=True)}

    @property
    def steps_an_epoch(self) -> int:
        """How many steps there are before the first source would begin again: every row came once at most."""
        limits = np.array([self._num_blocks(name) * self.sizes[name].neighbours // self.run_length for name in self.names])
        served = np.zeros(len(self.names), dtype=np.int64)
        start = 0
        while True:
            sources = self._sources(start, start + CHUNK)
            # A source is exhausted at its run number `limit`, counted from 0: the first that it cannot fill.
            ends = [
                start + int(runs[limit - before])
                for number, (limit, before) in enumerate(zip(limits, served, strict=True))
                if len(runs := np.flatnonzero(sources == number)) > limit - before
            ]
            if ends:
                return min(ends) // (self.batch_size // self.run_length)
            served += np.bincount(sources, minlength=len(self.names))
            start += CHUNK

    def upsampling(self) -> dict[str, float]:
        """Returns how much more often a row of each source comes than the average row of all sources."""
        total = sum(size.num_rows for size in self.sizes.values())
        return {name: share * total / self.sizes[name].num_rows for name, share in self.shares.items()}

    def _sources(self, start: int, stop: int) -> NDArray[np.int64]:
        """Returns the source of each run in start..stop-1."""
        places = (np.arange(start, stop, dtype=np.float64) * _GOLDEN + self._offset) % 1.0
        return np.searchsorted(self._edges, places, side="right").astype(np.int64)

    def _runs_before(self, run: int) -> NDArray[np.int64]:
        """Counts the runs of each source before a run; what the last batch counted is not counted again."""
        known, counts = self._counted
        if known > run:
            known, counts = 0, np.zeros(len(self.names), dtype=np.int64)
        for start in range(known, run, CHUNK):
            counts = counts + np.bincount(self._sources(start, min(start + CHUNK, run)), minlength=len(self.names))
        return counts

    def _run(self, source: int, served: int) -> list[int]:
        """Returns the rows of a source's run, given how many runs it has served before."""
        size = self.sizes[self.names[source]]
        blocks = self._num_blocks(self.names[source])
        in_run = self.run_length // size.neighbours
        rows: list[int] = []
        for block in range(served * in_run, (served + 1) * in_run):
            start = int(self._shuffle(source, block // blocks)[block % blocks]) * size.neighbours
            rows += range(start, start + size.neighbours)
        return rows

    def _num_blocks(self, name: str) -> int:
        """Returns how many blocks of neighbours a source has; rows that are left over fill none and are not served."""
        return max(self.sizes[name].num_rows // self.sizes[name].neighbours, 1)

    def _shuffle(self, source: int, epoch: int) -> Permutation:
        """Returns the order of a source's blocks in one of its epochs; keeps the last one of each source."""
        if (source, epoch) not in self._shuffled:
            self._shuffled = {key: order for key, order in self._shuffled.items() if key[0] != source}
            seed = [self.seed, fingerprint(self.names[source]), epoch]
            self._shuffled[source, epoch] = permutation(self._num_blocks(self.names[source]), seed)
        return self._shuffled[source, epoch]
