"""The world: builds all sources and tasks into one folder, whole or not at all."""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from functools import cache, cached_property, partial
from pathlib import Path

import numpy as np

from unite.config.schema.world import WorldConfig
from unite.data.rows import Row
from unite.data.shards import ShardReader, ShardWriter
from unite.errors import DataError, must_be
from unite.files import locked, whole_folder, write_json
from unite.types import PLACES, fingerprint
from unite.worlds.emoji import atlas
from unite.worlds.emoji.hard_neighbours import FAMILY, Companions
from unite.worlds.emoji.pools import SUBSETS, check_pool, write_pair_task, write_subset_task
from unite.worlds.emoji.sources import RECIPES, Pair

log = logging.getLogger(__name__)

#: Splits by the number that seeds them.
_SPLITS = {"train": 0, "test": 1}
#: In every third training family the glyphs stand alone; held-in tasks leave these out, to be as hard as the tests.
_ALONE_EVERY = 3
#: A test pool is given up when this many families a candidate did not fill it.
_PATIENCE = 8


class EmojiWorld:
    """Scenes and clips composed from glyphs, with captions generated from them: a source of data for every pair of modalities.

        emoji_world-<fingerprint>/
          train/<source>/shard-*.tar    num_train rows each; four consecutive rows are a family of neighbours
          test/<task>/                  glyphs that never stand together in training; also `spatial` and `temporal`
          held_in/<task>/               the same pools made from the training rows
          texts.txt                     every training text once, a line each, places of media left out
          manifest.json                 parameters, sizes, checksums; written last

    Equal parameters give equal bytes: every family is drawn by a generator of its own from (seed, split, recipe, number).

    Args:
        config: the options, each documented there.

    Raises:
        ConfigError: if the atlas has not so many glyphs.
    """

    def __init__(self, config: WorldConfig) -> None:
        self.root = Path(config.root)
        self.parameters = {name: value for name, value in asdict(config).items() if name not in ("_target_", "root")}
        self.glyphs = atlas.first_glyphs(config.num_glyphs)
        self.companions = {split: Companions(self.glyphs, config.seed, split) for split in _SPLITS}

    @cached_property
    def fingerprint(self) -> str:
        """12 hex digits over the parameters, the atlas and this package's code: another world, another name."""
        return f"{fingerprint(json.dumps(self.parameters, sort_keys=True), *_code()):016x}"[-12:]

    @property
    def folder(self) -> Path:
        """Where the world lies once built."""
        return self.root / f"emoji_world-{self.fingerprint}"

    def prepare(self) -> None:
        """Builds the world if it is not there. Processes that ask at the same time build it once: the others wait."""
        folder = self.folder
        if _is_whole(folder, self.fingerprint):
            return
        with locked(folder.with_name(folder.name + ".lock")):
            if not _is_whole(folder, self.fingerprint):
                shutil.rmtree(folder, ignore_errors=True)  # its manifest is missing or spoilt
                self.build(folder)

    def build(self, folder: Path) -> None:
        """Builds the world into a folder, which gets its name when everything is in it. Raises DataError if it exists already."""
        folder = Path(folder)
        if folder.exists():
            raise DataError(must_be("the folder of a new world", "one that is not there yet", str(folder), "Remove it to build it again."))
        started = time.monotonic()
        log.info("building the emoji world in %s", folder)
        with whole_folder(folder, existing="keep") as unfinished:
            sizes = self._write_train(unfinished)
            tasks = self._write_tasks(unfinished)
            checksums = {name: ShardReader.of_folder(unfinished / "train" / name).checksum() for name in sizes}
            manifest = {
                "fingerprint": self.fingerprint,
                "parameters": self.parameters,
                "sources": {name: {"num_rows": sizes[name], "sha256": checksums[name]} for name in sizes},
                "tasks": tasks,
            }
            write_json(unfinished / "manifest.json", manifest)
        log.info("built %d sources and %d tasks in %.0f s", len(sizes), len(tasks), time.monotonic() - started)

    def texts(self) -> Iterator[str]:
        """Yields every training text once, instructions included: what a tokenizer is trained on. Raises DataError if it is not built."""
        path = self.folder / "texts.txt"
        if not path.is_file():
            raise DataError(must_be("the emoji world", "built before it is read", str(path), "Call prepare() first."))
        with path.open(encoding="utf-8") as file:
            yield from (line.rstrip("\n") for line in file)

    def _family(self, recipe: str, split: str, number: int) -> dict[str, list[Pair]]:
        rng = np.random.default_rng([self.parameters["seed"], _SPLITS[split], fingerprint(recipe), number])
        return dict(RECIPES[recipe](rng, self.companions[split], split == "train" and number % _ALONE_EVERY == _ALONE_EVERY - 1))

    def _write_train(self, folder: Path) -> dict[str, int]:
        """Writes every source and the list of texts; returns the number of rows by source."""
        texts: dict[str, None] = {}
        sizes: dict[str, int] = {}
        for recipe in RECIPES:
            with ExitStack() as stack:
                writers: dict[str, ShardWriter] = {}
                for number in range(self.parameters["num_train"] // FAMILY):
                    for source, pairs in self._family(recipe, "train", number).items():
                        if source not in writers:
                            writers[source] = stack.enter_context(ShardWriter(folder / "train" / source, samples_per_shard=1024))
                        for at, (query, positive) in enumerate(pairs):
                            writers[source].write(Row(f"{number * FAMILY + at:06d}", query, (positive,)))
                            texts.update((_without_places(text), None) for text in (query.text, query.instruction, positive.text))
            sizes |= dict.fromkeys(writers, self.parameters["num_train"])
        (folder / "texts.txt").write_text("".join(f"{text}\n" for text in texts if text), encoding="utf-8")
        return sizes

    def _write_tasks(self, folder: Path) -> dict[str, int]:
        """Writes the held-out and held-in tasks; returns the size of each pool."""
        sizes = {}
        num_queries, num_candidates = self.parameters["num_queries"], self.parameters["num_candidates"]
        num_families = {"train": self.parameters["num_train"] // FAMILY, "test": _PATIENCE * num_candidates}
        for recipe in RECIPES:
            for split, place in (("test", "test"), ("train", "held_in")):
                family = cache(partial(self._family, recipe, split))  # sources of one recipe share its families
                for source in family(0):
                    numbers = (number for number in range(num_families[split]) if (number + 1) % _ALONE_EVERY)
                    families = (family(number)[source] for number in numbers)
                    name = f"{place}/{source}"
                    sizes[name] = write_pair_task(folder / name, source, families, num_queries, num_candidates)
                    if split == "test":
                        check_pool(source, sizes[name], num_candidates, len(self.glyphs))
        for name in SUBSETS:
            rng = np.random.default_rng([self.parameters["seed"], _SPLITS["test"], fingerprint(name)])
            sizes[f"test/{name}"] = write_subset_task(folder / "test" / name, name, rng, self.companions["test"], num_candidates)
        return sizes


@cache
def _code() -> tuple[bytes, ...]:
    """What decides how a world looks; read once, so that a world keeps its name while a process runs."""
    here = Path(__file__).parent
    files = [*sorted(here.glob("*.py")), *sorted((here / "atlas").glob("atlas.*"))]
    return tuple(file.read_bytes() for file in files if file.name != "preview.py")


def _without_places(text: str) -> str:
    return PLACES.sub("", text)


def _is_whole(folder: Path, expected: str) -> bool:
    try:
        return bool(json.loads((folder / "manifest.json").read_text())["fingerprint"] == expected)
    except (OSError, ValueError, KeyError, TypeError):
        return False
