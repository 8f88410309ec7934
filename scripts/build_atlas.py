"""Rebuilds the glyph atlas of the emoji world from OpenMoji's SVGs, and the same glyphs as others draw them.

    npm pack openmoji@17.0.0 @lobehub/fluent-emoji-3d@1.1.0
    mkdir openmoji fluent && tar xzf openmoji-17.0.0.tgz -C openmoji && tar xzf lobehub-fluent-emoji-3d-1.1.0.tgz -C fluent
    pip install resvg-py==0.5.0
    python scripts/build_atlas.py openmoji/package fluent/package

Needs `resvg-py` (the SVG rasteriser), which the package itself does not. Writes atlas.png, a sheet of square tiles in rows of 12, in the
order of `GLYPHS`, atlas.json, what is known of each, and other drawings of them: lines.png, OpenMoji's without colour, and fluent.png.
The order matters: a world of n glyphs takes the first n, so those that differ
most at 26 pixels stand first.
"""

import argparse
import io
import json
from pathlib import Path

import resvg_py
from PIL import Image

FOLDER = Path(__file__).parent.parent / "unite" / "worlds" / "emoji" / "atlas"
TILE = 72
COLUMNS = 12

#: OpenMoji's hexcode; the name; a synonym that reads well wherever the name stands, or none. Chosen by hand, articles included.
GLYPHS = """
1F431 | a cat        | a kitty
1F42E | a cow        |
1F437 | a pig        | a hog
1F43C | a panda      | a panda bear
1F418 | an elephant  |
1F427 | a penguin    |
1F438 | a frog       |
1F422 | a turtle     | a tortoise
1F40D | a snake      | a serpent
1F433 | a whale      |
1F419 | an octopus   |
1F98B | a butterfly  |
1F577 | a spider     |
1F40E | a horse      | a pony
1F41E | a ladybug    | a ladybird
1F9A9 | a flamingo   |
1F339 | a rose       |
1F335 | a cactus     |
1F332 | a pine       | a fir tree
1F344 | a mushroom   | a toadstool
1F34C | a banana     |
1F34E | an apple     |
1F34D | a pineapple  |
1F955 | a carrot     |
1F346 | an eggplant  | an aubergine
1F354 | a burger     | a hamburger
1F355 | a pizza      | a slice of pizza
1F382 | a cake       | a birthday cake
1F697 | a car        | an automobile
1F6B2 | a bike       | a bicycle
1F69C | a tractor    |
2708  | a plane      | an aircraft
1F680 | a rocket     | a spaceship
26F5  | a sailboat   | a yacht
1F3E0 | a house      | a cottage
1F3F0 | a castle     | a fortress
26FA  | a tent       |
2B50  | a star       |
1F319 | a moon       | a crescent moon
1F308 | a rainbow    |
2602  | an umbrella  | a parasol
2693  | an anchor    |
1F388 | a balloon    |
1F381 | a gift       | a present
26BD  | a ball       | a football
1F511 | a key        |
1F528 | a hammer     | a mallet
1F3B8 | a guitar     | an electric guitar
1F436 | a dog        | a puppy
1F98A | a fox        |
1F981 | a lion       |
1F989 | an owl       |
1F980 | a crab       |
1F40C | a snail      |
1F41D | a bee        | a honeybee
1F430 | a rabbit     | a bunny
1F42D | a mouse      |
1F43B | a bear       | a brown bear
1F988 | a shark      |
1F33B | a sunflower  |
1F334 | a palm       | a palm tree
1F340 | a clover     |
1F341 | a leaf       | a maple leaf
1F353 | a strawberry |
1F349 | a watermelon | a slice of melon
1F34B | a lemon      |
1F951 | an avocado   |
1F968 | a pretzel    |
1F369 | a donut      | a doughnut
1F36A | a cookie     | a biscuit
1F950 | a croissant  |
1F32E | a taco       |
1F68C | a bus        | a coach
1F682 | a train      | a locomotive
1F681 | a helicopter | a chopper
2600  | a sun        |
2601  | a cloud      |
26C4  | a snowman    |
1F30B | a volcano    |
1F3C6 | a trophy     | a golden cup
1F3C0 | a basketball |
1FA81 | a kite       |
1F383 | a pumpkin    | a jack-o'-lantern
1F512 | a lock       | a padlock
1F4A1 | a bulb       | a light bulb
1F514 | a bell       |
1F451 | a crown      |
1F3A9 | a hat        | a top hat
1F941 | a drum       |
1F3BB | a violin     | a fiddle
1F4F7 | a camera     |
270F  | a pencil     |
23F0  | a clock      | an alarm clock
1F392 | a backpack   | a rucksack
1FA91 | a chair      |
1F56F | a candle     |
"""


def tile(path: Path, size: int = TILE) -> Image.Image:
    """Returns the drawing, cropped to what is drawn and fitted into a square tile."""
    if path.suffix == ".svg":
        drawn = resvg_py.svg_to_bytes(svg_path=str(path), width=8 * TILE, height=8 * TILE)
        image = Image.open(io.BytesIO(bytes(drawn))).convert("RGBA")
    else:
        image = Image.open(path).convert("RGBA")
    image = image.crop(image.getchannel("A").getbbox())
    scale = size / max(image.size)
    # Pillow scales colours premultiplied with alpha ("RGBa"), so that no dark fringe comes in from transparent pixels.
    small = image.convert("RGBa").resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))), Image.Resampling.BOX)
    square = Image.new("RGBA", (size, size))
    square.paste(small.convert("RGBA"), ((size - small.width) // 2, (size - small.height) // 2))
    return square


def write_sheet(name: str, drawings: list[Path]) -> None:
    """Writes the drawings as one sheet."""
    sheet = Image.new("RGBA", (COLUMNS * TILE, -(-len(drawings) // COLUMNS) * TILE))
    for at, drawing in enumerate(drawings):
        sheet.paste(tile(drawing), (at % COLUMNS * TILE, at // COLUMNS * TILE))
    sheet.quantize(256, Image.Quantize.FASTOCTREE).save(FOLDER / name, optimize=True)


def _fluent(folder: Path, code: str) -> Path:
    """Some files have the variation selector of their code in their name."""
    return next(path for path in (folder / f"{code.lower()}.webp", folder / f"{code.lower()}-fe0f.webp") if path.is_file())


def main() -> None:
    parser = argparse.ArgumentParser(description="Rebuilds the glyph atlas of the emoji world.")
    parser.add_argument("package", type=Path, help="the unpacked npm package openmoji 17.0.0")
    parser.add_argument("fluent", type=Path, help="the unpacked npm package @lobehub/fluent-emoji-3d 1.1.0")
    arguments = parser.parse_args()
    package = arguments.package
    known = {entry["hexcode"]: entry for entry in json.loads((package / "data" / "openmoji.json").read_text(encoding="utf-8"))}
    lines = [[part.strip() for part in line.split("|")] for line in GLYPHS.strip().splitlines()]
    glyphs = []
    for hexcode, name, synonym in lines:
        entry = known[hexcode]
        tags = [tag.strip() for tag in f"{entry['tags']}, {entry['openmoji_tags']}".split(",") if tag.strip()]
        glyphs.append(
            {
                "hexcode": hexcode,
                "article": name.split(" ", 1)[0],
                "name": name.split(" ", 1)[1],
                "synonym": synonym or None,
                "annotation": entry["annotation"],
                "tags": sorted(set(tags)),
                "group": entry["group"],
                "subgroup": entry["subgroups"],
                "author": entry["openmoji_author"],
            }
        )
    FOLDER.mkdir(parents=True, exist_ok=True)
    codes = [hexcode for hexcode, _, _ in lines]
    write_sheet("atlas.png", [package / "color" / "svg" / f"{code}.svg" for code in codes])
    write_sheet("lines.png", [package / "black" / "svg" / f"{code}.svg" for code in codes])
    write_sheet("fluent.png", [_fluent(arguments.fluent / "assets", code) for code in codes])
    about = {"source": "OpenMoji 17.0.0", "license": "CC-BY-SA-4.0", "tile": TILE, "columns": COLUMNS, "glyphs": glyphs}
    (FOLDER / "atlas.json").write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{len(glyphs)} glyphs, {sum(file.stat().st_size for file in FOLDER.iterdir()) / 1e6:.2f} MB in {FOLDER}")


if __name__ == "__main__":
    main()
