"""The people: what they are called and how they look. Drawn by the OpenMoji project (see atlas/NOTICE.md)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FOLDER = Path(__file__).parent / "atlas"


@dataclass(frozen=True)
class Person:
    """A row of the atlas.

    Attributes:
        name: `scientist`.
        kind: "technical" or "caring", of those who work, or "activity".
        row: in the atlas.
    """

    name: str
    kind: str
    row: int


@dataclass(frozen=True)
class Variant:
    """How a person is drawn: the skin tone (`medium-dark`), the gender (`woman`), and the column of the atlas."""

    tone: str
    gender: str
    column: int


@cache
def people() -> tuple[Person, ...]:
    """Returns everybody, in the order of the atlas."""
    return tuple(Person(entry["name"], entry["kind"], row) for row, entry in enumerate(_about()["people"]))


@cache
def variants() -> tuple[Variant, ...]:
    """Returns the variants that everybody is drawn in, in the order of the atlas."""
    about = _about()
    names = [(tone, gender) for gender in about["genders"] for tone in about["tones"]]
    return tuple(Variant(tone, gender, column) for column, (tone, gender) in enumerate(names))


def sprite(person: Person, variant: Variant) -> NDArray[np.uint8]:
    """Returns (26, 26, 4), red, green, blue and alpha."""
    size = _about()["tile"]
    return _sheet()[person.row * size : (person.row + 1) * size, variant.column * size : (variant.column + 1) * size]


@cache
def _about() -> dict[str, Any]:
    fields: dict[str, Any] = json.loads((FOLDER / "people.json").read_text(encoding="utf-8"))
    return fields


@cache
def _sheet() -> NDArray[np.uint8]:
    return np.asarray(Image.open(FOLDER / "people.png").convert("RGBA"))
