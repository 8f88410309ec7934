"""Builds a world's sources and tasks: each recipe by itself, so that two cores build two at a time.

Every family is drawn by a generator of its own from (seed, split, recipe, number): the bytes are the same however many processes build.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from unite.data.rows import Row
from unite.data.shards import ShardReader, ShardWriter
from unite.progress import shown
from unite.types import PLACES, fingerprint
from unite.workers import end_with_parent
from unite.worlds.emoji.hard_neighbours import FAMILY, Companions, RareCompanions
from unite.worlds.emoji.pools import SUBSETS, check_pool, write_pair_task, write_subset_task
from unite.worlds.emoji.render import NUM_FRAMES
from unite.worlds.emoji.sources import KINDS, RECIPES, Pair

#: Splits by the number that seeds them.
SPLITS = {"train": 0, "test": 1}
#: In every third training family the glyphs stand alone; held-in tasks leave these out, to be as hard as the tests.
_ALONE_EVERY = 3
#: Every 28th training family holds rare glyphs, half to all of those in it: with 48 common and 16 rare glyphs each rare one is in about a
#: fifteenth as many rows as a common one. Held-in tasks leave these families out too, as no test of the same pair shows such glyphs.
_RARE_EVERY = 28
#: A test pool is given up when this many families a candidate did not fill it.
_PATIENCE = 8
#: Seconds between two looks at what the processes have counted.
LOOK = 0.2


@dataclass(frozen=True)
class Plan:
    """What is built: the numbers of `WorldConfig`, for each split which glyphs may stand together, and which in training with rare ones."""

    seed: int
    num_train: int
    num_queries: int
    num_candidates: int
    num_glyphs: int
    num_rare_glyphs: int
    num_frames: int
    companions: Mapping[str, Companions]
    rare: RareCompanions | None

    def companions_of(self, split: str, number: int) -> Companions:
        """Returns which glyphs may stand together in a family."""
        if split == "train" and self.rare is not None and number % _RARE_EVERY == _RARE_EVERY - 1:
            return self.rare
        return self.companions[split]


@dataclass
class Built:
    """What a recipe has left: rows by source, SHA-256 by source, size of the pool by task, and its texts, each once."""

    sizes: dict[str, int]
    checksums: dict[str, str]
    tasks: dict[str, int]
    texts: list[str]


def build_all(plan: Plan, folder: Path) -> Built:
    """Builds everything into a folder, on all cores, and shows how far it is.

    Raises:
        ConfigError: if the glyphs are too few for the pools that are asked for.
    """
    names = [*RECIPES, *SUBSETS]
    with shown("building the emoji world", len(RECIPES) * (plan.num_train // FAMILY), "families") as work:
        if may_fork():
            context = multiprocessing.get_context("fork")  # a new interpreter would take longer to start than a recipe to build
            counter = context.Value("q", 0)  # of the families that are done
            with ProcessPoolExecutor(min(os.cpu_count() or 1, len(names)), context, _begin, (counter,)) as pool:
                futures = [pool.submit(_build, name, plan, folder) for name in names]
                while wait(futures, LOOK, FIRST_EXCEPTION).not_done:
                    work.done = counter.value
                parts = [future.result() for future in futures]
        else:
            parts = [_build(name, plan, folder, work.advance) for name in names]
    texts = dict.fromkeys(text for part in parts for text in part.texts)
    return Built(
        {name: size for part in parts for name, size in part.sizes.items()},
        {name: checksum for part in parts for name, checksum in part.checksums.items()},
        {name: size for part in parts for name, size in part.tasks.items()},
        list(texts),
    )


def may_fork() -> bool:
    """Elsewhere than on Linux a fork is unsafe or not to be had; a process that serves another may have no children."""
    return sys.platform == "linux" and (os.cpu_count() or 1) > 1 and not multiprocessing.current_process().daemon


def _begin(counter: Any) -> None:
    """Tells a process of the pool where to count."""
    global _count  # of this process alone, which lives for the pool
    end_with_parent()

    def count() -> None:
        with counter.get_lock():
            counter.value += 1

    _count = count


def _count() -> None:
    """Counts a family; replaced in the processes of a pool."""


def _build(name: str, plan: Plan, folder: Path, count: Callable[[], None] | None = None) -> Built:
    """Builds the sources and tasks of a recipe, or a subset's task."""
    if name in RECIPES:
        built = _write_train(name, plan, folder, count or _count)
        built.tasks |= _write_tasks(name, plan, folder)
        return built
    rng = np.random.default_rng([plan.seed, SPLITS["test"], fingerprint(name)])
    size = write_subset_task(folder / "test" / name, name, rng, plan.companions["test"], plan.num_candidates)
    return Built({}, {}, {f"test/{name}": size}, [])


def _family(recipe: str, plan: Plan, split: str, number: int) -> dict[str, list[Pair]]:
    rng = np.random.default_rng([plan.seed, SPLITS[split], fingerprint(recipe), number])
    alone = split == "train" and number % _ALONE_EVERY == _ALONE_EVERY - 1
    num_frames = plan.num_frames if split == "train" else NUM_FRAMES
    return dict(RECIPES[recipe](rng, plan.companions_of(split, number), alone, num_frames))


def _write_train(recipe: str, plan: Plan, folder: Path, count: Callable[[], None]) -> Built:
    """Writes the sources of a recipe."""
    texts: dict[str, None] = {}
    with ExitStack() as stack:
        writers: dict[str, ShardWriter] = {}
        for number in range(plan.num_train // FAMILY):
            for source, pairs in _family(recipe, plan, "train", number).items():
                if source not in writers:
                    writers[source] = stack.enter_context(ShardWriter(folder / "train" / source, samples_per_shard=1024))
                for at, (query, positive) in enumerate(pairs):
                    writers[source].write(Row(f"{number * FAMILY + at:06d}", query, (positive,)))
                    texts.update((PLACES.sub("", text), None) for text in (query.text, query.instruction, positive.text))
            count()
    checksums = {source: ShardReader.of_folder(folder / "train" / source).checksum() for source in writers}
    return Built(dict.fromkeys(writers, plan.num_train), checksums, {}, [text for text in texts if text])


def _write_tasks(recipe: str, plan: Plan, folder: Path) -> dict[str, int]:
    """Writes the held-out and held-in tasks of a recipe; returns the size of each pool."""
    sizes = write_tests(recipe, plan, folder)
    for source in [name.removeprefix("test/") for name in sizes]:
        families = _common_families(ShardReader.of_folder(folder / "train" / source), plan)
        place = folder / "held_in" / source
        sizes[f"held_in/{source}"] = write_pair_task(place, KINDS[source], families, plan.num_queries, plan.num_candidates)
    return sizes


def write_tests(recipe: str, plan: Plan, folder: Path) -> dict[str, int]:
    """Writes the held-out tasks of a recipe, which follow from the seed and `plan.companions["test"]`; returns the size of each pool."""
    family = cache(partial(_family, recipe, plan, "test"))  # sources of one recipe share its families
    sizes = {}
    for source in family(0):
        numbers = (number for number in range(_PATIENCE * plan.num_candidates) if (number + 1) % _ALONE_EVERY)
        families = (family(number)[source] for number in numbers)
        num = write_pair_task(folder / "test" / source, KINDS[source], families, plan.num_queries, plan.num_candidates)
        sizes[f"test/{source}"] = num
        check_pool(source, num, plan.num_candidates, plan.num_glyphs)
    return sizes


def _common_families(rows: ShardReader, plan: Plan) -> Iterator[list[Pair]]:
    """Reads the training families that have no rare glyph and none that stands alone: to render them again would take longer."""
    for number in range(plan.num_train // FAMILY):
        if (number + 1) % _ALONE_EVERY and plan.companions_of("train", number) is plan.companions["train"]:
            family = (rows.read(number * FAMILY + at) for at in range(FAMILY))
            yield [(row.query, row.positives[0]) for row in family]
