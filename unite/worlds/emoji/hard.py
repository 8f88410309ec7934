"""A test with room above it: large pools of distractors that differ in one thing, scenes fuller and clips longer than training shows.

    task       query                           candidates
    t2i, i2t   caption                         scenes of three and four glyphs (and back); training shows up to three
    t2v, v2t   caption of two motions in turn  clips of eight frames (and back); training shows one motion in four
    it2i       picture and edit                edited picture, three and four glyphs
    t2i_rare   caption with a rare glyph       scenes of two and three glyphs: in its neighbours the rare one is another rare one, or a
                                               common one
    i2t_rare   such a picture                  captions of the same

Pools are made of families: one glyph, place, background, motion or count differs between its members, and the glyphs of a scene or clip
never stood together in training. Rare glyphs are those that training shows about a fifteenth as often as others (`num_rare_glyphs`); with
none there are no tasks of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.random import Generator

from unite.config.schema.world import EmojiHardConfig
from unite.data.rows import StoredContent
from unite.errors import DataError
from unite.types import Modality, fingerprint
from unite.worlds.emoji import atlas
from unite.worlds.emoji.captions import dense_of_two, describe
from unite.worlds.emoji.folder import BuiltWorld
from unite.worlds.emoji.hard_neighbours import FAMILY, Companions, RareCompanions, clip_family, rare_family, scene_family
from unite.worlds.emoji.pools import check_pool, write_pair_task
from unite.worlds.emoji.render import encode_clips, encode_scene
from unite.worlds.emoji.scenes import MOTIONS, REVERSED, Clip, Scene
from unite.worlds.emoji.sources import INSTRUCTIONS, KINDS, Pair, edited

#: How many glyphs a scene has, as often as they stand here.
_NUM_GLYPHS = (3, 4)
_ATTRIBUTES = ("glyph", "place", "arrangement", "background", "count")
#: A pool is given up when this many families a candidate did not fill it.
_PATIENCE = 8
_C = TypeVar("_C", bound=Companions)


class EmojiHard(BuiltWorld):
    """The hard tests of a world with the same seed and glyphs: a folder `emoji_hard-<fingerprint>` of tasks.

    Args:
        config: the options, each documented there.

    Raises:
        ConfigError: if the atlas has not so many glyphs.
    """

    kind = "emoji_hard"

    def __init__(self, config: EmojiHardConfig) -> None:
        super().__init__(config)
        self.num_queries, self.num_candidates = config.num_queries, config.num_candidates
        glyphs = atlas.first_glyphs(config.num_glyphs)
        rare = atlas.next_glyphs(config.num_rare_glyphs, after=config.num_glyphs)
        self.companions = Companions(glyphs, config.seed, "test")
        self.rare = RareCompanions(glyphs, rare, config.seed, "test") if rare else None

    def texts(self) -> Iterator[str]:
        """Tests have no training texts. Raises DataError."""
        raise DataError("emoji_hard holds tests alone: nothing is trained on it. Name another world in the mixture.")

    def _write(self, folder: Path) -> dict[str, Any]:
        tasks = self._write_tasks(folder, _scenes, self.companions, ("t2i", "i2t"))
        tasks |= self._write_tasks(folder, _long_clips, self.companions, ("t2v", "v2t"))
        tasks |= self._write_tasks(folder, _edits, self.companions, ("it2i",))
        if self.rare is not None:
            tasks |= self._write_tasks(folder, _rare_scenes, self.rare, ("t2i_rare", "i2t_rare"))
        return {"tasks": tasks}

    def _write_tasks(
        self, folder: Path, draw: Callable[[Generator, _C], dict[str, list[Pair]]], companions: _C, names: Sequence[str]
    ) -> dict[str, int]:
        """Writes the tasks that are told by the same families; returns the size of each pool."""
        families: list[dict[str, list[Pair]]] = []
        for number in range(_PATIENCE * self.num_candidates // FAMILY):
            families.append(draw(np.random.default_rng([self.parameters["seed"], fingerprint(draw.__name__), number]), companions))
            if len({positive.group for family in families for _, positive in family[names[0]]}) >= self.num_candidates:
                break
        sizes = {}
        for name in names:
            kind = KINDS[name.removesuffix("_rare")]
            sizes[name] = write_pair_task(folder / name, kind, (family[name] for family in families), self.num_queries, self.num_candidates)
            check_pool(name, sizes[name], self.num_candidates, self.parameters["num_glyphs"])
        return sizes


def _scene_family(rng: Generator, companions: Companions, attributes: Sequence[str] = _ATTRIBUTES) -> list[Scene]:
    attribute = attributes[int(rng.integers(len(attributes)))]
    if attribute != "count":
        return scene_family(rng, companions, (attribute,), _NUM_GLYPHS)
    # Of four glyphs each member but the first lacks another one.
    whole = scene_family(rng, companions, ("place",), (4,))[0]
    without = [Scene.of(whole.background, {cell: one for cell, one in whole.placed if one != glyph}) for glyph in whole.glyphs]
    return [whole, *without[: FAMILY - 1]]


def _scenes(rng: Generator, companions: Companions) -> dict[str, list[Pair]]:
    pairs = _told(_scene_family(rng, companions))
    return {"t2i": pairs, "i2t": [(image, text) for text, image in pairs]}


def _rare_scenes(rng: Generator, companions: RareCompanions) -> dict[str, list[Pair]]:
    """As full as training's: what is hard is to tell the rare glyph."""
    pairs = _told(rare_family(rng, companions))
    return {"t2i_rare": pairs, "i2t_rare": [(image, text) for text, image in pairs]}


def _told(scenes: Sequence[Scene]) -> list[Pair]:
    """Returns caption and picture of each."""
    return [
        (StoredContent(describe(scene), group=scene.identity), StoredContent(media=(encode_scene(scene),), group=scene.identity))
        for scene in scenes
    ]


def _edits(rng: Generator, companions: Companions) -> dict[str, list[Pair]]:
    family = _scene_family(rng, companions, ("glyph", "place", "background"))
    media = [encode_scene(scene) for scene in family]
    return {"it2i": edited(family, media, Modality.IMAGE.place, INSTRUCTIONS["it2i"])}


def _long_clips(rng: Generator, companions: Companions) -> dict[str, list[Pair]]:
    """Two motions in turn: the second is the same for the family, and never undoes the first."""
    pairs: list[Pair] = []
    family = clip_family(rng, companions)
    undone = {REVERSED[clip.motion] for clip in family} | {clip.motion for clip in family}
    rest = [motion for motion in MOTIONS if motion not in undone]
    second = rest[int(rng.integers(len(rest)))]
    for clip in family:
        after: Clip = replace(clip, motion=second)
        group = f"{clip.identity}|then {second}"
        text = dense_of_two(clip, after)
        pairs.append((StoredContent(text, group=group), StoredContent(media=(encode_clips([clip, after]),), group=group)))
    return {"t2v": pairs, "v2t": [(video, text) for text, video in pairs]}
