"""Rebuilds the atlas of the people world from OpenMoji's SVGs: every person in five skin tones as a person, a woman and a man.

    npm pack openmoji@17.0.0 && tar xzf openmoji-17.0.0.tgz
    pip install resvg-py==0.5.0
    python scripts/build_people_atlas.py package

Writes people.png, tiles of 26 pixels, the size that the world draws them at: a row for each of `PEOPLE`, a column for each variant, the
tones of the person first. And people.json, what is known of each row.
"""

import argparse
import json
from pathlib import Path

from build_atlas import tile
from PIL import Image

FOLDER = Path(__file__).parent.parent / "unite" / "worlds" / "people" / "atlas"
TILE = 26
TONES = {"light": "1F3FB", "medium-light": "1F3FC", "medium": "1F3FD", "medium-dark": "1F3FE", "dark": "1F3FF"}
#: The sign that makes a person a woman or a man, and the code that stands first where the person holds something.
GENDERS = {"person": ("", "1F9D1"), "woman": ("-200D-2640-FE0F", "1F469"), "man": ("-200D-2642-FE0F", "1F468")}

#: OpenMoji's hexcode of the person without tone; the kind; the name.
PEOPLE = """
1F9D1-200D-1F52C      | technical | scientist
1F9D1-200D-1F4BB      | technical | technologist
1F9D1-200D-1F527      | technical | mechanic
1F9D1-200D-2708-FE0F  | technical | pilot
1F9D1-200D-1F680      | technical | astronaut
1F9D1-200D-1F692      | technical | firefighter
1F9D1-200D-1F3ED      | technical | welder
1F477                 | technical | builder
1F9D1-200D-2695-FE0F  | caring    | nurse
1F9D1-200D-1F3EB      | caring    | teacher
1F9D1-200D-1F373      | caring    | cook
1F9D1-200D-1F3A8      | caring    | painter
1F9D1-200D-1F3A4      | caring    | singer
1F9D1-200D-1F33E      | caring    | farmer
1F9D1-200D-1F393      | caring    | student
1F9D1-200D-1F37C      | caring    | sitter
1F64D                 | activity  | frowner
1F937                 | activity  | shrugger
1F64B                 | activity  | greeter
1F647                 | activity  | bower
1F6B6                 | activity  | walker
1F3C3                 | activity  | runner
1F9CE                 | activity  | kneeler
1F9D7                 | activity  | climber
1F3CC                 | activity  | golfer
1F3C4                 | activity  | surfer
1F6A3                 | activity  | rower
1F3CA                 | activity  | swimmer
1F6B4                 | activity  | cyclist
1F938                 | activity  | tumbler
1F939                 | activity  | juggler
1F3CB                 | activity  | lifter
"""


def variant(hexcode: str, tone: str, gender: str) -> str:
    """Returns the hexcode of a person in a tone and a gender."""
    sign, first = GENDERS[gender]
    if hexcode.startswith("1F9D1-200D-"):
        return f"{first}-{TONES[tone]}{hexcode.removeprefix('1F9D1')}"
    return f"{hexcode}-{TONES[tone]}{sign}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Rebuilds the atlas of the people world.")
    parser.add_argument("package", type=Path, help="the unpacked npm package openmoji 17.0.0")
    package = parser.parse_args().package
    known = {entry["hexcode"]: entry for entry in json.loads((package / "data" / "openmoji.json").read_text(encoding="utf-8"))}
    lines = [[part.strip() for part in line.split("|")] for line in PEOPLE.strip().splitlines()]
    variants = [(tone, gender) for gender in GENDERS for tone in TONES]
    sheet = Image.new("RGBA", (len(variants) * TILE, len(lines) * TILE))
    people = []
    for row, (hexcode, kind, name) in enumerate(lines):
        people.append({"hexcode": hexcode, "name": name, "kind": kind, "annotation": known[hexcode]["annotation"]})
        codes = [variant(hexcode, tone, gender) for tone, gender in variants]
        people[-1]["authors"] = sorted({known[code]["openmoji_author"] for code in codes})
        for column, code in enumerate(codes):
            sheet.paste(tile(package / "color" / "svg" / f"{code}.svg", TILE), (column * TILE, row * TILE))
    FOLDER.mkdir(parents=True, exist_ok=True)
    sheet.quantize(256, Image.Quantize.FASTOCTREE).save(FOLDER / "people.png", optimize=True)
    about = {"source": "OpenMoji 17.0.0", "license": "CC-BY-SA-4.0", "tile": TILE, "tones": list(TONES), "genders": list(GENDERS)}
    (FOLDER / "people.json").write_text(json.dumps(about | {"people": people}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
