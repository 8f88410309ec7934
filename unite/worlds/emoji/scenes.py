"""What can be shown: scenes and clips, as plain facts. Captions and pixels are both made from these.

A picture is a grid of 3 x 3 cells, numbered in reading order:

    0 1 2
    3 4 5
    6 7 8

A scene holds two or three glyphs, each in a cell of its own. A clip holds two: a mover, and one that stays. The mover's home is a cell
whose row and column are free, so that from one home it can make every motion; a motion along a row shows the row alone, and one along a
column the column alone (its `lane`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from unite.worlds.emoji.atlas import Glyph, glyph_named

NUM_CELLS = 9
#: Plain grounds on which every glyph stands out: name and colour.
BACKGROUNDS: dict[str, tuple[int, int, int]] = {
    "white": (255, 255, 255),
    "yellow": (255, 228, 122),
    "green": (160, 224, 142),
    "blue": (146, 196, 250),
    "pink": (255, 176, 204),
    "gray": (176, 176, 176),
}
#: Each motion and the motion it is when played backwards.
REVERSED = {
    "moves right": "moves left",
    "moves left": "moves right",
    "moves down": "moves up",
    "moves up": "moves down",
    "grows": "shrinks",
    "shrinks": "grows",
    "appears": "vanishes",
    "vanishes": "appears",
}
MOTIONS = tuple(REVERSED)


@dataclass(frozen=True)
class Scene:
    """A still picture.

    Attributes:
        background: a name in `BACKGROUNDS`.
        placed: (cell, glyph), in the order of the cells, one glyph a cell.
    """

    background: str
    placed: tuple[tuple[int, Glyph], ...]

    @classmethod
    def of(cls, background: str, cells: dict[int, Glyph]) -> Scene:
        """Builds a scene from cells in any order."""
        return cls(background, tuple(sorted(cells.items(), key=lambda item: item[0])))

    @property
    def cells(self) -> dict[int, Glyph]:
        """Which glyph is in which cell."""
        return dict(self.placed)

    @property
    def glyphs(self) -> tuple[Glyph, ...]:
        """In reading order."""
        return tuple(glyph for _, glyph in self.placed)

    @property
    def identity(self) -> str:
        """Equal for pictures that are equal: `scene|blue|cat@0|banana@4`."""
        return "|".join(["scene", self.background, *(f"{glyph.name}@{cell}" for cell, glyph in self.placed)])

    @classmethod
    def of_identity(cls, identity: str) -> Scene:
        """Builds the scene that has an identity. Raises ValueError or KeyError if none has it."""
        _, background, *seats = identity.split("|")
        return cls.of(background, dict(_seat(seat) for seat in seats))

    def cell_of(self, glyph: Glyph) -> int:
        """Returns the cell a glyph is in."""
        return next(cell for cell, placed in self.placed if placed == glyph)


@dataclass(frozen=True)
class Clip:
    """A moving picture, of four frames unless training is to see more.

    Attributes:
        background: a name in `BACKGROUNDS`.
        mover, home: the glyph that moves, and its cell.
        still, place: the glyph that stays, and its cell: in another row and another column than `home`.
        motion: one of `MOTIONS`.
    """

    background: str
    mover: Glyph
    home: int
    still: Glyph
    place: int
    motion: str

    @property
    def glyphs(self) -> tuple[Glyph, ...]:
        """The mover first."""
        return (self.mover, self.still)

    @property
    def lane(self) -> str:
        """Where the mover is seen: `row 0`, `column 2` or `cell 4`."""
        if self.motion in ("moves right", "moves left"):
            return f"row {self.home // 3}"
        if self.motion in ("moves down", "moves up"):
            return f"column {self.home % 3}"
        return f"cell {self.home}"

    @property
    def identity(self) -> str:
        """Equal for clips that are equal frame by frame."""
        return f"clip|{self.background}|{self.mover.name}@{self.lane}|{self.motion}|{self.still.name}@{self.place}"

    @classmethod
    def of_identity(cls, identity: str) -> Clip:
        """Builds a clip that has an identity; from which cell of its lane the mover starts that does not tell.

        Raises:
            ValueError, KeyError: if none has it.
        """
        _, background, moving, motion, standing = identity.split("|")
        mover, _, lane = moving.partition("@")
        place, still = _seat(standing)
        clips = (cls(background, glyph_named(mover), home, still, place, motion) for home in free_cells(place))
        return next(clip for clip in clips if clip.lane == lane)

    @property
    def gist(self) -> str:
        """Equal for clips that the brief caption does not tell apart: which glyph moves how, near which."""
        return f"gist|{self.mover.name}|{self.motion}|{self.still.name}"

    def reversed(self) -> Clip:
        """Returns the clip played backwards."""
        return replace(self, motion=REVERSED[self.motion])


def free_cells(home: int) -> list[int]:
    """Returns the four cells that share neither row nor column with a cell."""
    return [cell for cell in range(NUM_CELLS) if cell // 3 != home // 3 and cell % 3 != home % 3]


def _seat(told: str) -> tuple[int, Glyph]:
    """Reads `cat@4`."""
    name, _, cell = told.rpartition("@")
    return int(cell), glyph_named(name)
