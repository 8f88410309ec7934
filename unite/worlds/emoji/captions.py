"""Scenes and clips in words. Short: the built-in language model is tiny, and time goes with tokens.

Every text of this file says all that its scene or clip is identified by, so that no other one in a pool fits it too; the brief caption of
a clip says its `gist`.
"""

from __future__ import annotations

from collections.abc import Sequence

from unite.worlds.emoji.atlas import Glyph
from unite.worlds.emoji.scenes import NUM_CELLS, Clip, Scene

_CELLS = (
    "at the top left",
    "at the top",
    "at the top right",
    "at the left",
    "in the center",
    "at the right",
    "at the bottom left",
    "at the bottom",
    "at the bottom right",
)
_OTHER_CELLS = (
    "in the upper left",
    "in the upper middle",
    "in the upper right",
    "in the middle left",
    "in the very middle",
    "in the middle right",
    "in the lower left",
    "in the lower middle",
    "in the lower right",
)
_LANES = {
    "row 0": "along the top",
    "row 1": "along the middle",
    "row 2": "along the bottom",
    "column 0": "along the left",
    "column 1": "along the center",
    "column 2": "along the right",
    **{f"cell {cell}": _CELLS[cell] for cell in range(NUM_CELLS)},
}
#: What one does to make a glyph move so: `make the cat ...`.
_BARE = {
    "moves right": "move right",
    "moves left": "move left",
    "moves down": "move down",
    "moves up": "move up",
    "grows": "grow",
    "shrinks": "shrink",
    "appears": "appear",
    "vanishes": "vanish",
}


def describe(scene: Scene) -> str:
    """Returns a caption with everything: `a cat at the top left and a banana in the center, blue background`."""
    return f"{_listed([f'{glyph.indefinite} {_CELLS[cell]}' for cell, glyph in scene.placed])}, {scene.background} background"


def paraphrase(scene: Scene) -> str:
    """Returns the same in other words: `on blue there is a kitty in the upper left and a banana in the very middle`."""
    return f"on {scene.background} there is {_listed([f'{glyph.synonym} {_OTHER_CELLS[cell]}' for cell, glyph in scene.placed])}"


def title(scene: Scene) -> str:
    """Returns what a scene shows, by synonym and without places: `a kitty and a banana`. The picture tells the rest."""
    return _listed([glyph.synonym for glyph in _in_atlas_order(scene.glyphs)])


def question(scene: Scene, asked: Glyph) -> tuple[str, str]:
    """Returns a question about a scene and its answer: `what is with the cat?`, `a banana and a guitar`."""
    others = _in_atlas_order([glyph for glyph in scene.glyphs if glyph != asked])
    return f"what is with the {asked.name}?", _listed([glyph.indefinite for glyph in others])


def brief(clip: Clip) -> str:
    """Returns a caption with glyphs and motion: `a cat moves right near a banana`."""
    return f"{clip.mover.indefinite} {clip.motion} near {clip.still.indefinite}"


def dense(clip: Clip) -> str:
    """Returns a caption with everything: `a cat moves right along the top, a banana at the bottom left, blue background`."""
    moving = f"{clip.mover.indefinite} {clip.motion} {_LANES[clip.lane]}"
    return f"{moving}, {clip.still.indefinite} {_CELLS[clip.place]}, {clip.background} background"


def dense_of_two(first: Clip, second: Clip) -> str:
    """Returns the dense caption of two clips of the same glyphs in turn: `a cat moves right along the top, then grows ...`."""
    before, _, after = dense(first).partition(", ")
    return f"{before}, then {second.motion} {_LANES[second.lane]}, {after}"


def edit(before: Scene | Clip, after: Scene | Clip) -> str:
    """Returns what turns one picture into another that differs from it in one attribute."""
    if before.background != after.background:
        return f"make the background {after.background}"
    if isinstance(before, Clip) and isinstance(after, Clip):
        if before.motion != after.motion:
            where = "" if before.lane == after.lane else f" {_LANES[after.lane]}"  # a lane does not tell the cell it started from
            return f"make the {before.mover.name} {_BARE[after.motion]}{where}"
        seats = [(before.mover, before.home, after.mover, after.home), (before.still, before.place, after.still, after.place)]
    elif isinstance(before, Scene) and isinstance(after, Scene):
        seats = _seats(before, after)
    else:
        raise TypeError(f"a {type(before).__name__} cannot be edited into a {type(after).__name__}")
    changes = [seat for seat in seats if seat[0] != seat[2] or seat[1] != seat[3]]
    if len(changes) != 1:
        raise ValueError(f"an edit must change one thing, but {before.identity} and {after.identity} differ in {len(changes)}")
    old, _, new, cell = changes[0]
    return f"change the {old.name} to {new.indefinite}" if old != new else f"put the {old.name} {_CELLS[cell]}"


def _seats(before: Scene, after: Scene) -> list[tuple[Glyph, int, Glyph, int]]:
    """Pairs the glyphs of two scenes: the same ones, then the one that was there with the one that came."""
    kept = [glyph for glyph in before.glyphs if glyph in after.glyphs]
    gone = [glyph for glyph in before.glyphs if glyph not in kept]
    come = [glyph for glyph in after.glyphs if glyph not in kept]
    pairs = [(glyph, glyph) for glyph in kept] + list(zip(gone, come, strict=True))
    return [(old, before.cell_of(old), new, after.cell_of(new)) for old, new in pairs]


def _in_atlas_order(some: Sequence[Glyph]) -> list[Glyph]:
    return sorted(some, key=lambda glyph: glyph.index)


def _listed(parts: Sequence[str]) -> str:
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
