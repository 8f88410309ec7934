"""The world: builds all sources and tasks into one folder, whole or not at all."""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache, cached_property
from pathlib import Path

from unite.config.schema.world import WorldConfig
from unite.errors import DataError, must_be
from unite.files import locked, whole_folder, write_json
from unite.types import fingerprint
from unite.worlds.emoji import atlas
from unite.worlds.emoji.building import SPLITS, Plan, build_all
from unite.worlds.emoji.hard_neighbours import Companions

log = logging.getLogger(__name__)


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
        self.companions = {split: Companions(self.glyphs, config.seed, split) for split in SPLITS}

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
            built = build_all(Plan(**self.parameters, companions=self.companions), unfinished)
            (unfinished / "texts.txt").write_text("".join(f"{text}\n" for text in built.texts), encoding="utf-8")
            manifest = {
                "fingerprint": self.fingerprint,
                "parameters": self.parameters,
                "sources": {name: {"num_rows": rows, "sha256": built.checksums[name]} for name, rows in built.sizes.items()},
                "tasks": built.tasks,
            }
            write_json(unfinished / "manifest.json", manifest)
        log.info("built %d sources and %d tasks in %.0f s", len(built.sizes), len(built.tasks), time.monotonic() - started)

    def texts(self) -> Iterator[str]:
        """Yields every training text once, instructions included: what a tokenizer is trained on. Raises DataError if it is not built."""
        path = self.folder / "texts.txt"
        if not path.is_file():
            raise DataError(must_be("the emoji world", "built before it is read", str(path), "Call prepare() first."))
        with path.open(encoding="utf-8") as file:
            yield from (line.rstrip("\n") for line in file)


@cache
def _code() -> tuple[bytes, ...]:
    """What decides how a world looks; read once, so that a world keeps its name while a process runs."""
    here = Path(__file__).parent
    files = [*sorted(here.glob("*.py")), *sorted((here / "atlas").glob("atlas.*"))]
    return tuple(file.read_bytes() for file in files if file.name != "preview.py")


def _is_whole(folder: Path, expected: str) -> bool:
    try:
        return bool(json.loads((folder / "manifest.json").read_text())["fingerprint"] == expected)
    except (OSError, ValueError, KeyError, TypeError):
        return False
