"""The glyphs: what they are called and how they look. Drawn and annotated by the OpenMoji project (see atlas/NOTICE.md)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unite.errors import ConfigError, must_be

FOLDER = Path(__file__).parent / "atlas"
#: Sheets of all glyphs: OpenMoji's in colour, which training shows, and others: its lines without colour, and Fluent Emoji in 3D.
DRAWINGS = {"openmoji": "atlas.png", "lines": "lines.png", "fluent": "fluent.png"}


@dataclass(frozen=True)
class Glyph:
    """A glyph's words.

    Attributes:
        name: short and unique (`cat`).
        indefinite: with its article (`a cat`).
        synonym: another word with its article (`a kitty`); the name again where there is none that reads well.
        annotation, tags, group: Unicode's and OpenMoji's.
        index: its place in the atlas.
        drawings: whose drawing of it is shown, one of `DRAWINGS`.
    """

    name: str
    indefinite: str
    synonym: str
    annotation: str
    tags: tuple[str, ...]
    group: str
    index: int
    drawings: str = "openmoji"


@cache
def glyphs() -> tuple[Glyph, ...]:
    """Returns all glyphs of the atlas; those that differ most when small come first."""
    return tuple(
        Glyph(
            name=entry["name"],
            indefinite=f"{entry['article']} {entry['name']}",
            synonym=entry["synonym"] or f"{entry['article']} {entry['name']}",
            annotation=entry["annotation"],
            tags=tuple(entry["tags"]),
            group=entry["group"],
            index=index,
        )
        for index, entry in enumerate(_about()["glyphs"])
    )


def glyph_named(name: str) -> Glyph:
    """Returns a glyph by its name. Raises KeyError if the atlas has none."""
    return _by_name()[name]


@cache
def _by_name() -> dict[str, Glyph]:
    return {glyph.name: glyph for glyph in glyphs()}


def first_glyphs(num: int) -> tuple[Glyph, ...]:
    """Returns the first `num` glyphs. Raises ConfigError if the atlas has fewer, or they are too few to be split."""
    if not 24 <= num <= len(glyphs()):
        raise ConfigError(must_be("world.num_glyphs", f"from 24 to {len(glyphs())}, the size of the atlas", num))
    return glyphs()[:num]


def next_glyphs(num: int, after: int) -> tuple[Glyph, ...]:
    """Returns the `num` glyphs that follow the first `after`. Raises ConfigError if so many are not left, or they make no families."""
    left = len(glyphs()) - after
    if num and not 8 <= num <= left:
        raise ConfigError(must_be("world.num_rare_glyphs", f"0, or from 8 to the {left} that world.num_glyphs leaves of the atlas", num))
    return glyphs()[after : after + num]


def drawn_as(some: Sequence[Glyph], drawings: str) -> tuple[Glyph, ...]:
    """Returns the glyphs as others draw them, one of `DRAWINGS`."""
    return tuple(replace(glyph, drawings=drawings) for glyph in some)


@cache
def sprite(index: int, size: int, drawings: str = "openmoji") -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns a glyph at `size` x `size` pixels: colour times alpha (size, size, 3) in 0..255, and alpha (size, size, 1) in 0..1."""
    about, sheet = _about(), _sheet(drawings)
    left, top = index % about["columns"] * about["tile"], index // about["columns"] * about["tile"]
    tile = sheet.crop((left, top, left + about["tile"], top + about["tile"]))
    small = np.asarray(tile.convert("RGBa").resize((size, size), Image.Resampling.BOX), dtype=np.float32)
    return small[..., :3], small[..., 3:] / np.float32(255)


@cache
def _about() -> dict[str, Any]:
    fields: dict[str, Any] = json.loads((FOLDER / "atlas.json").read_text(encoding="utf-8"))
    return fields


@cache
def _sheet(drawings: str) -> Image.Image:
    return Image.open(FOLDER / DRAWINGS[drawings]).convert("RGBA")
