"""The built-in worlds, and that which is fetched."""

from __future__ import annotations

from dataclasses import dataclass

from unite.errors import ConfigError, must_be


@dataclass(kw_only=True)
class PoolsConfig:
    """What every part of emoji world has: glyphs, and tasks with pools.

    Attributes:
        root: the folder that world folders lie in.
        seed: another seed, another world; it says which glyphs never stand together in training.
        num_queries: of each task.
        num_candidates: of each task; pools hold whole families and may be a few larger.
        num_glyphs: the first so many glyphs of the atlas, 24 to 96.
        num_rare_glyphs: the next so many, 0 or at least 8, which training shows about a fifteenth as often and hard tests alone ask for.

    Raises:
        ConfigError: if a number is out of its range. That of the glyphs is the atlas's.
    """

    _target_: str
    root: str = "${data_root}"
    seed: int = 0
    num_queries: int
    num_candidates: int
    num_glyphs: int = 48
    num_rare_glyphs: int = 16

    def __post_init__(self) -> None:
        if not 1 <= self.num_queries <= self.num_candidates // 2:
            expected = f"from 1 to half of num_candidates ({self.num_candidates // 2})"
            raise ConfigError(must_be("world.num_queries", expected, self.num_queries))
        if self.seed < 0:
            raise ConfigError(must_be("world.seed", "0 or above", self.seed))


@dataclass(kw_only=True)
class WorldConfig(PoolsConfig):
    """Emoji world. See `unite.worlds.emoji`.

    Attributes:
        num_train: training rows a source, a multiple of 4.
        num_frames: of a clip in training rows, and in the tasks made of them: 4, as in the tests, or more of the same two seconds.
            `decoding.min_frames` says how many of them are taken.
    """

    _target_: str = "unite.worlds.emoji.EmojiWorld"
    num_train: int = 4096
    num_queries: int = 128
    num_candidates: int = 256
    num_frames: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 4 <= self.num_frames <= 64:
            raise ConfigError(must_be("world.num_frames", "from 4 to 64", self.num_frames))
        if self.num_train < 4 or self.num_train % 4:
            raise ConfigError(must_be("world.num_train", "a multiple of 4, the rows of a family", self.num_train))


@dataclass(kw_only=True)
class EmojiHardConfig(PoolsConfig):
    """The hard tests of emoji world, of the seed and glyphs of the world that is trained on. See `unite.worlds.emoji.hard`."""

    _target_: str = "unite.worlds.emoji.hard.EmojiHard"
    num_queries: int = 256
    num_candidates: int = 2048


@dataclass(kw_only=True)
class EmojiUnseenConfig(PoolsConfig):
    """Tests of what training never drew, of the seed and glyphs of the world that is trained on. See `unite.worlds.emoji.unseen`."""

    _target_: str = "unite.worlds.emoji.unseen.EmojiUnseen"
    num_queries: int = 128
    num_candidates: int = 256


@dataclass(kw_only=True)
class StampsWorldConfig:
    """What people drew and wrote, as `python -m unite.worlds.stamps` made it. See `unite.worlds.stamps`.

    Attributes:
        root: the folder that `stamps` lies in, its data_root.
    """

    _target_: str = "unite.worlds.stamps.StampsWorld"
    root: str = "${data_root}"


@dataclass(kw_only=True)
class PeopleWorldConfig:
    """People in variants of skin tone and gender: the built-in case of an audit. See `unite.worlds.people`.

    Attributes:
        root: the folder that world folders lie in.
        seed: another seed, other places and rows.
        num_train: training rows a source, a multiple of 4; 0 where only the tasks are wanted.
        num_places: places, of cell and background, that the tests show everybody at and training never does.
        skew: the share of training pictures that show light skin, technical people as men and caring ones as women; the others, and all
            with 0, are drawn evenly from all variants.

    Raises:
        ConfigError: if a number is out of its range.
    """

    _target_: str = "unite.worlds.people.PeopleWorld"
    root: str = "${data_root}"
    seed: int = 0
    num_train: int = 4096
    num_places: int = 3
    skew: float = 0.0

    def __post_init__(self) -> None:
        if self.num_train < 0 or self.num_train % 4:
            raise ConfigError(must_be("people.num_train", "0 or a multiple of 4, the rows of a family", self.num_train))
        if not 1 <= self.num_places <= 27:
            raise ConfigError(must_be("people.num_places", "from 1 to 27, half of the places that there are", self.num_places))
        if not 0 <= self.skew <= 1:
            raise ConfigError(must_be("people.skew", "from 0 to 1", self.skew))
        if self.seed < 0:
            raise ConfigError(must_be("people.seed", "0 or above", self.seed))
