"""Tests of what training never drew: the same scenes by another hand, and glyphs that it never showed.

    own        the scenes of the world's own tests as they are, to compare with
    lines      the same, drawn in lines without colour
    fluent     the same, drawn as Fluent Emoji in 3D
    glyphs     scenes of the glyphs behind the world's own and its rare ones, whose names no caption had either

Of each `t2i`, `i2t` and `it2i`, by the recipes and in pools of the size of the world's own tests: query for query the first three differ
in nothing but who drew the picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unite.config.schema.world import EmojiUnseenConfig
from unite.errors import ConfigError, DataError, must_be
from unite.types import fingerprint
from unite.worlds.emoji import atlas
from unite.worlds.emoji.building import Plan, write_tests
from unite.worlds.emoji.folder import BuiltWorld
from unite.worlds.emoji.hard_neighbours import Companions
from unite.worlds.emoji.render import NUM_FRAMES

#: Those of pictures alone: t2i and i2t, it2i.
_RECIPES = ("pictures", "edits")
_FEWEST = 24


class EmojiUnseen(BuiltWorld):
    """The tests for a world with the same seed and glyphs: a folder `emoji_unseen-<fingerprint>`, `<hand>/test/<task>` in it.

    Args:
        config: the options, each documented there.

    Raises:
        ConfigError: if the atlas has not so many glyphs, or too few behind them.
    """

    kind = "emoji_unseen"

    def __init__(self, config: EmojiUnseenConfig) -> None:
        drawings = fingerprint(*((atlas.FOLDER / name).read_bytes() for name in atlas.DRAWINGS.values()))
        super().__init__(config, drawings=drawings)
        known = atlas.first_glyphs(config.num_glyphs)
        others = atlas.glyphs()[config.num_glyphs + config.num_rare_glyphs :]
        if len(others) < _FEWEST:
            most = len(atlas.glyphs()) - _FEWEST
            raise ConfigError(must_be("world.num_glyphs + world.num_rare_glyphs", f"at most {most}", len(atlas.glyphs()) - len(others)))
        self.hands = {"own": known, "lines": atlas.drawn_as(known, "lines"), "fluent": atlas.drawn_as(known, "fluent"), "glyphs": others}

    def texts(self) -> Iterator[str]:
        """Tests have no training texts. Raises DataError."""
        raise DataError("emoji_unseen holds tests alone: nothing is trained on it. Name another world in the mixture.")

    def _write(self, folder: Path) -> dict[str, Any]:
        numbers = {name: self.parameters[name] for name in ("seed", "num_queries", "num_candidates")}
        tasks: dict[str, int] = {}
        for hand, glyphs in self.hands.items():
            companions = {"test": Companions(glyphs, self.parameters["seed"], "test")}
            plan = Plan(
                **numbers,
                num_train=0,
                num_glyphs=len(glyphs),
                num_rare_glyphs=0,
                num_frames=NUM_FRAMES,
                companions=companions,
                rare=None,
            )
            for recipe in _RECIPES:
                tasks |= {f"{hand}/{name}": size for name, size in write_tests(recipe, plan, folder / hand).items()}
        return {"tasks": tasks}
