"""A person in a cell of an emoji-world picture: what it is called, its caption, its pixels."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from unite.data.rows import StoredContent, StoredMedium
from unite.types import Modality
from unite.worlds.emoji.atlas import Glyph
from unite.worlds.emoji.captions import describe
from unite.worlds.emoji.render import CELL, SIZE
from unite.worlds.emoji.scenes import BACKGROUNDS, Scene
from unite.worlds.people.atlas import Person, Variant, sprite


@dataclass(frozen=True)
class Spot:
    """Where somebody stands: the cell, 0 to 8, and the background, a name in `BACKGROUNDS`."""

    cell: int
    background: str


@dataclass(frozen=True)
class Portrait:
    """Somebody at a place, whichever variant is drawn."""

    person: Person
    place: Spot

    @property
    def scene(self) -> Scene:
        """As the emoji world has it."""
        name = self.person.name
        indefinite = f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
        glyph = Glyph(name, indefinite, indefinite, annotation="", tags=(), group="people", index=self.person.row)
        return Scene.of(self.place.background, {self.place.cell: glyph})

    def told(self) -> StoredContent:
        """Returns the caption, `a scientist at the top left, blue background`: no word of skin or gender."""
        return StoredContent(describe(self.scene), group=self.scene.identity)

    def shown(self, variant: Variant) -> StoredContent:
        """Returns the picture, 84 x 84 pixels, with what it is a picture of as labels."""
        canvas = np.full((SIZE, SIZE, 3), BACKGROUNDS[self.place.background], dtype=np.uint8)
        drawn = sprite(self.person, variant).astype(np.float32)
        colour, alpha = drawn[..., :3], drawn[..., 3:] / 255
        margin = (CELL - len(drawn)) // 2
        top, left = self.place.cell // 3 * CELL + margin, self.place.cell % 3 * CELL + margin
        window = canvas[top : top + len(drawn), left : left + len(drawn)]
        window[:] = np.rint(alpha * colour + (1 - alpha) * window)
        file = io.BytesIO()
        Image.fromarray(canvas).save(file, "PNG", compress_level=4)
        labels = {"skin tone": variant.tone, "gender": variant.gender, "kind": self.person.kind, "unit": self.person.name}
        return StoredContent(media=(StoredMedium(Modality.IMAGE, file.getvalue(), "png"),), group=self.scene.identity, labels=labels)
