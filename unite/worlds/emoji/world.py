"""The world: builds all sources and tasks into one folder, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unite.config.schema.world import WorldConfig
from unite.worlds.emoji import atlas
from unite.worlds.emoji.building import SPLITS, Plan, build_all
from unite.worlds.emoji.folder import BuiltWorld
from unite.worlds.emoji.hard_neighbours import Companions, RareCompanions


class EmojiWorld(BuiltWorld):
    """Scenes and clips composed from glyphs, with captions generated from them: a source of data for every pair of modalities.

        emoji_world-<fingerprint>/
          train/<source>/shard-*.tar    num_train rows each; four consecutive rows are a family of neighbours; rare glyphs in every 28th
          test/<task>/                  common glyphs that never stand together in training; also `spatial` and `temporal`
          held_in/<task>/               the same pools made from the training rows of common glyphs
          texts.txt                     every training text once, a line each, places of media left out
          manifest.json                 parameters, sizes, checksums; written last

    Equal parameters give equal bytes: every family is drawn by a generator of its own from (seed, split, recipe, number). Tests are the
    same bytes with any `num_rare_glyphs` and `num_frames`.

    Args:
        config: the options, each documented there.

    Raises:
        ConfigError: if the atlas has not so many glyphs.
    """

    kind = "emoji_world"

    def __init__(self, config: WorldConfig) -> None:
        super().__init__(config)
        self.glyphs = atlas.first_glyphs(config.num_glyphs)
        self.rare_glyphs = atlas.next_glyphs(config.num_rare_glyphs, after=config.num_glyphs)
        self.companions = {split: Companions(self.glyphs, config.seed, split) for split in SPLITS}

    def build(self, folder: Path) -> None:
        """Builds the world into a folder of another name. Raises DataError if it exists already."""
        self._folder.build(self._write, Path(folder))

    def _write(self, folder: Path) -> dict[str, Any]:
        rare = RareCompanions(self.glyphs, self.rare_glyphs, self.parameters["seed"], "train") if self.rare_glyphs else None
        built = build_all(Plan(**self.parameters, companions=self.companions, rare=rare), folder)
        (folder / "texts.txt").write_text("".join(f"{text}\n" for text in built.texts), encoding="utf-8")
        sources = {name: {"num_rows": rows, "sha256": built.checksums[name]} for name, rows in built.sizes.items()}
        return {"sources": sources, "tasks": built.tasks}
