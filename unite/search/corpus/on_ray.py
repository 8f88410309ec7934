"""The rows of a corpus embedded by the actors of a Ray cluster, each with an encoder of its own; they share the folder of the corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from unite.curation.engine import import_ray
from unite.embedding.embed import Encoder
from unite.errors import ConfigError, DataError, UniteError, must_be
from unite.search.corpus.making import Maker
from unite.search.corpus.outcome import Counts
from unite.search.corpus.parts import Parts
from unite.search.corpus.place import Place
from unite.search.corpus.ready import MakerJob
from unite.search.corpus.stored import StoredCorpus


class BlockMaker:
    """Makes parts of blocks of rows, in an actor.

    Args:
        out: the folder of the corpus.
        load: loads the encoder.
        blocks: the positions of each block.
        job: which rows these are, and how they are embedded.
    """

    def __init__(self, out: Place, load: Callable[[], Encoder], blocks: Sequence[Sequence[int]], job: MakerJob) -> None:
        encoder = load()
        self._blocks = blocks
        self._maker = Maker(job, lambda: encoder, StoredCorpus(out), Parts(out / "parts"))

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Makes the blocks of the numbers in a batch. Returns how many rows that were, what became of them, and what went wrong."""
        self._maker.counts = Counts()
        num, error = 0, ""
        try:
            for block in batch["block"]:
                self._maker.make(self._blocks[int(block)], lambda count: None, lambda: None)
                num += len(self._blocks[int(block)])
        except UniteError as raised:
            error = raised.told
        return {
            "num": np.array([num]),
            "error": np.array([error]),
            **{name: np.array([count]) for name, count in asdict(self._maker.counts).items()},
        }


def make_on_ray(
    workers: int, out: Place, load: Callable[[], Encoder], blocks: Sequence[Sequence[int]], job: MakerJob
) -> Iterator[tuple[int, Counts]]:
    """Yields, block by block as they are done, how many rows a block had and what became of them.

    Args:
        workers: actors.
        out, load, blocks, job: as `BlockMaker` takes them.

    Raises:
        ConfigError: if Ray Data is not installed, or there is no worker.
        DataError: if a block cannot be made; what the others made is kept.
    """
    if workers < 1:
        raise ConfigError(must_be("workers", "at least 1", workers))
    ray = import_ray()
    numbers = ray.data.from_items([{"block": block} for block in range(len(blocks))], override_num_blocks=max(len(blocks), 1))
    made = numbers.map_batches(
        BlockMaker,
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=min(workers, len(blocks))),
        num_gpus=1 if ray.cluster_resources().get("GPU", 0) else 0,
        fn_constructor_kwargs={"out": out.absolute(), "load": load, "blocks": blocks, "job": job},
    )
    for row in made.iter_rows():
        if row["error"]:
            raise DataError(str(row["error"]))
        yield (
            int(row["num"]),
            Counts(int(row["embedded"]), int(row["taken_over"]), int(row["skipped"]), int(row["changed"]), str(row["first"])),
        )
