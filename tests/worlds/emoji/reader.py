"""Reads scenes back: from pixels by template matching, from captions by their words. Knows nothing of the code that made them."""

import functools
import io
import itertools
import json
import re
from pathlib import Path

import numpy as np
from PIL import Image

import unite.worlds.emoji

ATLAS = Path(unite.worlds.emoji.__file__).parent / "atlas"
ABOUT = json.loads((ATLAS / "atlas.json").read_text())
NAMES = [glyph["name"] for glyph in ABOUT["glyphs"]]
COLOURS = {"white": "#ffffff", "yellow": "#ffe47a", "green": "#a0e08e", "blue": "#92c4fa", "pink": "#ffb0cc", "gray": "#b0b0b0"}
CELLS = ["top left", "top", "top right", "left", "center", "right", "bottom left", "bottom", "bottom right"]
UPPER_CELLS = [f"{row} {column}" for row, column in itertools.product(("upper", "middle", "lower"), ("left", "middle", "right"))]
PLACE = re.compile(r"an? (?P<glyph>[\w' -]+?) (?:at the|in the) (?P<cell>(?:top|bottom)(?: left| right)?|left|right|center)(?=,| and |$)")


def words_of(text):
    """Returns (background, {cell: name}) of a plain caption."""
    background = re.search(r", (\w+) background$", text)[1]
    return background, {CELLS.index(match["cell"]): match["glyph"] for match in PLACE.finditer(text)}


def pixels_of(png, num_glyphs):
    """Returns (background, {cell: name}) of a picture: the colour of its lines between cells, and the glyph most like each cell."""
    image = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    background, cells = cells_of(image, num_glyphs)
    assert None not in cells.values(), "no glyph looks like this"
    return background, cells


def cells_of(image, num_glyphs):
    """The same of an (84, 84, 3) array; None where a cell is not empty and no glyph fits."""
    assert image.shape == (84, 84, 3)
    image = image.astype(np.float64)
    ground = "#" + bytes(image[27, 27].astype(np.uint8)).hex()
    background = next(name for name, colour in COLOURS.items() if colour == ground)
    cells = {}
    for cell in range(9):
        window = image[cell // 3 * 28 :, cell % 3 * 28 :][1:27, 1:27]
        if np.abs(window - image[27, 27]).max() > 0:
            errors = [np.abs(template(at, ground) - window).mean() for at in range(num_glyphs)]
            cells[cell] = NAMES[int(np.argmin(errors))] if min(errors) < 3 else None
    return background, cells


@functools.cache
def template(at, ground):
    """A glyph of 26 pixels on a ground."""
    sheet = Image.open(ATLAS / "atlas.png").convert("RGBA")
    left, top, tile = at % ABOUT["columns"] * ABOUT["tile"], at // ABOUT["columns"] * ABOUT["tile"], ABOUT["tile"]
    card = Image.new("RGBA", (tile, tile), ground)
    card.alpha_composite(sheet.crop((left, top, left + tile, top + tile)))
    return np.asarray(card.convert("RGB").resize((26, 26), Image.Resampling.BOX), dtype=np.float64)


def glyphs_in(text):
    """Returns the names of the glyphs in a group."""
    return {part.split("@")[0] for part in text.split("|") if part.split("@")[0] in NAMES}
