"""The built-in world."""

from __future__ import annotations

from dataclasses import dataclass

from unite.errors import ConfigError, must_be


@dataclass(kw_only=True)
class WorldConfig:
    """Emoji world. See `unite.worlds.emoji`.

    Attributes:
        root: the folder that world folders lie in.
        seed: another seed, another world.
        num_train: training rows a source, a multiple of 4.
        num_queries: of each test and held-in task.
        num_candidates: of each test and held-in task; pools hold whole families and may be a few larger.
        num_glyphs: the first so many glyphs of the atlas, 24 to 96.

    Raises:
        ConfigError: if a number is out of its range. That of `num_glyphs` is the atlas's.
    """

    _target_: str = "unite.worlds.emoji.EmojiWorld"
    root: str = "${data_root}"
    seed: int = 0
    num_train: int = 4096
    num_queries: int = 128
    num_candidates: int = 256
    num_glyphs: int = 48

    def __post_init__(self) -> None:
        check_numbers(self.seed, self.num_queries, self.num_candidates)
        if self.num_train < 4 or self.num_train % 4:
            raise ConfigError(must_be("world.num_train", "a multiple of 4, the rows of a family", self.num_train))


@dataclass(kw_only=True)
class EmojiHardConfig:
    """The hard tests of emoji world. See `unite.worlds.emoji.hard`.

    Attributes:
        root: the folder that world folders lie in.
        seed: that of the world that is trained on: it says which glyphs never stood together.
        num_queries: of each task.
        num_candidates: of each task; pools hold whole families and may be a few larger.
        num_glyphs: that of the world that is trained on.

    Raises:
        ConfigError: if a number is out of its range. That of `num_glyphs` is the atlas's.
    """

    _target_: str = "unite.worlds.emoji.hard.EmojiHard"
    root: str = "${data_root}"
    seed: int = 0
    num_queries: int = 256
    num_candidates: int = 2048
    num_glyphs: int = 48

    def __post_init__(self) -> None:
        check_numbers(self.seed, self.num_queries, self.num_candidates)


def check_numbers(seed: int, num_queries: int, num_candidates: int) -> None:
    """Refuses what no world can be drawn with."""
    if not 1 <= num_queries <= num_candidates // 2:
        expected = f"from 1 to half of num_candidates ({num_candidates // 2})"
        raise ConfigError(must_be("world.num_queries", expected, num_queries))
    if seed < 0:
        raise ConfigError(must_be("world.seed", "0 or above", seed))
