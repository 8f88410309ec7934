"""Families of neighbours: four scenes or clips that differ in one attribute alone, each a hard negative of the others.

Train and test are parted by *which glyphs stand together*: of all pairs of glyphs a third belongs to the test, and any two glyphs that are
seen together in a test scene or clip are never seen together in training. So it is with pairs of which one or both are rare glyphs; how
the others are parted does not depend on these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from unite.worlds.emoji.atlas import Glyph
from unite.worlds.emoji.scenes import BACKGROUNDS, MOTIONS, NUM_CELLS, REVERSED, Clip, Scene, free_cells

#: Members of a family; the trainer reads this many consecutive rows into one batch.
FAMILY = 4
#: As often as they stand here. What a glyph looks like takes longest to learn.
SCENE_ATTRIBUTES = ("glyph", "glyph", "place", "arrangement", "background")
CLIP_ATTRIBUTES = ("motion", "motion", "glyph", "glyph", "place", "background")
_NUM_GLYPHS = (2, 2, 2, 3)
_TEST_SHARE = 1 / 3
_T = TypeVar("_T")


class Companions:
    """Which glyphs may stand together in one split."""

    def __init__(self, glyphs: Sequence[Glyph], seed: int, split: str) -> None:
        """Draws the pairs by the seed; `split` is `train` or `test`."""
        self.glyphs = tuple(glyphs)
        self._together = _parted(len(self.glyphs), [seed, len(self.glyphs)], split)
        self._place = {glyph: place for place, glyph in enumerate(self.glyphs)}

    def of(self, some: Sequence[Glyph]) -> list[Glyph]:
        """Returns the glyphs that may stand with all of these: every glyph, with none."""
        allowed = self._together[[self._place[glyph] for glyph in some]].all(axis=0)
        return [self.glyphs[place] for place in np.flatnonzero(allowed)]

    def draw(self, rng: Generator, num: int) -> list[Glyph]:
        """Draws glyphs that may all stand together."""
        while True:
            some: list[Glyph] = []
            while len(some) < num and (rest := self.of(some)):
                some.append(rest[rng.integers(len(rest))])
            if len(some) == num:
                return some


class RareCompanions(Companions):
    """The same where at least one of those that stand together is a rare glyph.

    Attributes:
        glyphs: the common ones, then the rare ones.
        common: which of the common ones may stand together.
    """

    def __init__(self, glyphs: Sequence[Glyph], rare: Sequence[Glyph], seed: int, split: str) -> None:
        """Draws the pairs with a rare glyph by the seed; those without one are as in `Companions(glyphs, seed, split)`."""
        super().__init__([*glyphs, *rare], seed, split)
        self.common = Companions(glyphs, seed, split)
        num = len(glyphs)
        self._together = _parted(len(self.glyphs), [seed, num, len(rare)], split)
        self._together[:num, :num] = self.common._together
        self._rare = frozenset(rare)

    def of(self, some: Sequence[Glyph]) -> list[Glyph]:
        """Returns the glyphs that may stand with all of these: the rare ones alone, where none of these is rare."""
        allowed = super().of(some)
        return allowed if self._rare.intersection(some) else [glyph for glyph in allowed if glyph in self._rare]

    def draw(self, rng: Generator, num: int) -> list[Glyph]:
        """Draws glyphs that may all stand together, the rare ones anywhere among them."""
        some = super().draw(rng, num)
        return [some[index] for index in rng.permutation(num)]


def _parted(num: int, seed: Sequence[int], split: str) -> NDArray[np.bool_]:
    """Returns (num, num), symmetric: which of `num` glyphs may stand together in a split. Every pair may in exactly one."""
    rows, columns = np.triu_indices(num, k=1)
    in_test = np.random.default_rng(seed).permutation(len(rows)) < round(_TEST_SHARE * len(rows))
    together = np.zeros((num, num), dtype=np.bool_)
    chosen = in_test if split == "test" else ~in_test
    together[rows[chosen], columns[chosen]] = True
    return together | together.T


def num_glyphs(alone: bool) -> tuple[int, ...]:
    """How many glyphs a scene may have, as often as they stand here.

    A glyph alone teaches what its name looks like sooner than one among others: a third of the training families are such. None of the
    tests': alone, a glyph is no combination that could be held out.
    """
    return (1,) if alone else _NUM_GLYPHS


def scene_family(
    rng: Generator, companions: Companions, attributes: Sequence[str] = SCENE_ATTRIBUTES, num_glyphs: Sequence[int] = _NUM_GLYPHS
) -> list[Scene]:
    """Draws four scenes that differ in one of the attributes: `glyph`, `place` (of one glyph), `arrangement` (of all), `background`."""
    attribute = attributes[int(rng.integers(len(attributes)))]
    while True:
        some = companions.draw(rng, num_glyphs[int(rng.integers(len(num_glyphs)))])
        others = companions.of(some[1:])
        if attribute != "glyph" or len(others) >= FAMILY:
            break
    cells = [int(cell) for cell in rng.permutation(NUM_CELLS)]
    background = _draw(rng, list(BACKGROUNDS), 1)[0]
    first, rest = some[0], dict(zip(cells[1:], some[1:], strict=False))
    match attribute:
        case "glyph":
            return [Scene.of(background, {cells[0]: glyph, **rest}) for glyph in _draw(rng, others, FAMILY)]
        case "place":
            free = [cell for cell in range(NUM_CELLS) if cell not in rest]
            return [Scene.of(background, {cell: first, **rest}) for cell in _draw(rng, free, FAMILY)]
        case "background":
            return [Scene.of(name, {cells[0]: first, **rest}) for name in _draw(rng, list(BACKGROUNDS), FAMILY)]
        case _:
            return arrangements(rng, background, some, FAMILY)


def arrangements(rng: Generator, background: str, some: Sequence[Glyph], num: int) -> list[Scene]:
    """Draws scenes with the same glyphs in different places; the second has the places of the first exchanged."""
    cells = rng.permutation(NUM_CELLS)[: len(some)].tolist()
    drawn: dict[str, Scene] = {}
    for places in ([*cells], [*cells[1:], cells[0]]):
        scene = Scene.of(background, dict(zip(places, some, strict=True)))
        drawn[scene.identity] = scene
    while len(drawn) < num:
        scene = Scene.of(background, dict(zip(rng.permutation(NUM_CELLS)[: len(some)].tolist(), some, strict=True)))
        drawn[scene.identity] = scene
    return list(drawn.values())


def clip_family(rng: Generator, companions: Companions, attributes: Sequence[str] = CLIP_ATTRIBUTES) -> list[Clip]:
    """Draws four clips that differ in one of the attributes: `motion` (each with its reverse), `glyph`, `place` or `background`."""
    attribute = attributes[int(rng.integers(len(attributes)))]
    clip = draw_clip(rng, companions)
    match attribute:
        case "motion":
            pairs = [motion for motion in MOTIONS if MOTIONS.index(motion) < MOTIONS.index(REVERSED[motion])]
            chosen = [motion for first in _draw(rng, pairs, FAMILY // 2) for motion in _draw(rng, [first, REVERSED[first]], 2)]
            return [replace(clip, motion=motion) for motion in chosen]
        case "glyph" if rng.random() < 0.5:
            return [replace(clip, mover=glyph) for glyph in _draw(rng, companions.of([clip.still]), FAMILY)]
        case "glyph":
            return [replace(clip, still=glyph) for glyph in _draw(rng, companions.of([clip.mover]), FAMILY)]
        case "place" if clip.lane.startswith("cell") and rng.random() < 0.5:
            return [replace(clip, home=cell) for cell in _draw(rng, free_cells(clip.place), FAMILY)]
        case "place":
            return [replace(clip, place=cell) for cell in _draw(rng, free_cells(clip.home), FAMILY)]
        case _:
            return [replace(clip, background=name) for name in _draw(rng, list(BACKGROUNDS), FAMILY)]


def draw_clip(rng: Generator, companions: Companions) -> Clip:
    """Draws one clip whose glyphs have at least a family of companions each."""
    while True:
        mover, still = companions.draw(rng, 2)
        if min(len(companions.of([mover])), len(companions.of([still]))) >= FAMILY:
            break
    home = int(rng.integers(NUM_CELLS))
    background = _draw(rng, list(BACKGROUNDS), 1)[0]
    return Clip(background, mover, home, still, _draw(rng, free_cells(home), 1)[0], _draw(rng, MOTIONS, 1)[0])


def rare_family(rng: Generator, companions: RareCompanions) -> list[Scene]:
    """Draws four scenes that differ in one glyph: a rare one in the first and the third, a common one in the others."""
    while True:
        rest = companions.common.draw(rng, _NUM_GLYPHS[int(rng.integers(len(_NUM_GLYPHS)))] - 1)
        rare, common = companions.of(rest), companions.common.of(rest)
        if min(len(rare), len(common)) >= FAMILY // 2:
            break
    cells = [int(cell) for cell in rng.permutation(NUM_CELLS)]
    background = _draw(rng, list(BACKGROUNDS), 1)[0]
    one, other = _draw(rng, rare, FAMILY // 2), _draw(rng, common, FAMILY // 2)
    rest_placed = dict(zip(cells[1:], rest, strict=False))
    return [Scene.of(background, {cells[0]: glyph, **rest_placed}) for pair in zip(one, other, strict=True) for glyph in pair]


def question_family(rng: Generator, companions: Companions) -> list[tuple[Scene, Glyph]]:
    """Draws two scenes of three glyphs that differ in one of them, and asks about each of the two glyphs they share."""
    while True:
        first, second = companions.draw(rng, 2)
        others = companions.of([first, second])
        if len(others) >= 2:
            break
    cells = [int(cell) for cell in rng.permutation(NUM_CELLS)]
    background = _draw(rng, list(BACKGROUNDS), 1)[0]
    scenes = [Scene.of(background, {cells[0]: first, cells[1]: second, cells[2]: third}) for third in _draw(rng, others, 2)]
    return [(scene, asked) for scene in scenes for asked in (first, second)]


def _draw(rng: Generator, choices: Sequence[_T], num: int) -> list[_T]:
    """Draws different ones."""
    return [choices[index] for index in rng.permutation(len(choices))[:num]]
