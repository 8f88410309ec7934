"""Small packages, and clients that deliver them: programs named apt-get, dpkg and npm, in front of those that are installed."""

import json
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

#: Enough that some are held out whatever the seed.
ANIMALS = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen", "ibis", "jay", "kiwi", "lion"]


def picture(path, seed, *, mirrored=False, suffix="png"):
    """Writes a picture of its own: large blocks of colour, which no crop or small copy makes another's."""
    colours = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    pixels = np.kron(colours[:, ::-1] if mirrored else colours, np.ones((10, 10, 1), np.uint8))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, suffix.upper())


def svg(path, seed, title="", keywords=(), size='width="60mm" height="60mm"'):
    rng = np.random.default_rng(seed)
    blocks = "".join(
        f'<rect x="{x}" y="{y}" width="10" height="10" fill="#{"".join(f"{one:02x}" for one in rng.integers(0, 256, 3))}"/>'
        for x in range(0, 60, 10)
        for y in range(0, 60, 10)
    )
    words = "".join(f"<rdf:li>{word}</rdf:li>" for word in keywords)
    work = f"<cc:Work><dc:title>{title}</dc:title><dc:subject><rdf:Bag>{words}</rdf:Bag></dc:subject></cc:Work>"
    spaces = 'xmlns:cc="http://web.resource.org/cc/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    spaces += ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    path.parent.mkdir(parents=True, exist_ok=True)
    spaces += ' xmlns="http://www.w3.org/2000/svg"'
    path.write_text(f'<svg {spaces} {size} viewBox="0 0 60 60"><metadata><rdf:RDF>{work}</rdf:RDF></metadata>{blocks}</svg>')


def tuxpaint_tree(tree):
    """Animals with captions, one a mirror image; a letter; a picture without a caption."""
    folder = tree / "usr/share/tuxpaint/stamps"
    for seed, name in enumerate(ANIMALS):
        picture(folder / "animals" / f"{name}.png", seed)
        told = f"{'An' if name[0] in 'aei' else 'A'} {name}.\nde.utf8=Tier {name}.\nfr.utf8=Bête {name}.\nzh_CN.utf8=动物 {name}。\n"
        (folder / "animals" / f"{name}.txt").write_text(told + f"nl.utf8=A {name}.\n", encoding="utf-8")
    picture(folder / "animals" / "bee_mirror.png", ANIMALS.index("bee"), mirrored=True)
    svg(folder / "symbols" / "a.svg", 50)
    (folder / "symbols" / "a.txt").write_text("The letter a.\n")
    picture(folder / "symbols" / "untold.png", 51)


def clipart_tree(tree):
    folder = tree / "usr/share/openclipart/svg"
    for seed, name in enumerate(ANIMALS[:6], start=100):
        svg(folder / "animals" / f"{name}.svg", seed, name.title(), ["hash", "farm_animal", name])
    svg(folder / "shapes" / "star.svg", 120, "star", ["shapes"])
    svg(folder / "animals" / "sized.svg", 121, "nothing drawn", size='width="0" height="0"')
    (folder / "animals" / "broken.svg").write_text("<svg")


def names_tree(tree):
    for language in ("en", "de", "fr"):
        entries = [
            {
                "hexcode": f"1F4{number:02X}",
                "label": name if language == "en" else f"{language} {name}",
                "group": 3,
                "tags": [name, "beast"],
            }
            for number, name in enumerate(ANIMALS)
        ]
        parts = [{"hexcode": "1F3FB", "label": "light skin tone", "group": 2}]
        path = tree / "package" / language / "data.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps([*entries, *parts]), encoding="utf-8")


def fluent_tree(tree):
    for number, _ in enumerate(ANIMALS):
        picture(tree / "package/assets" / f"1f4{number:02x}.webp", 200 + number, suffix="webp")


def openmoji_tree(tree):
    for number, _ in enumerate(ANIMALS):
        svg(tree / "package/color/svg" / f"1F4{number:02X}.svg", 300 + number)


TREES = {
    "tuxpaint-stamps-default": tuxpaint_tree,
    "openclipart-svg": clipart_tree,
    "@lobehub/fluent-emoji-3d": fluent_tree,
    "openmoji": openmoji_tree,
    "emojibase-data": names_tree,
}

#: Each copies an archive that stands ready, and writes down what it was asked for. dpkg unpacks a tar, as npm's archives are.
_APT = """#!/bin/sh
echo "apt-get $*" >> "{log}"
[ -e "{folder}/broken" ] && {{ echo half > "$2_1.0_all.deb"; echo "E: Failed to fetch $2  Connection reset" >&2; exit 100; }}
cp "{folder}/$2.tgz" "$2_1.0_all.deb"
"""
_DPKG = """#!/bin/sh
tar -xzf "$2" -C "$3"
"""
_NPM = """#!/bin/sh
echo "npm $*" >> "{log}"
name=$(echo "${{3%@*}}" | tr -d @ | tr / -)
cp "{folder}/$name.tgz" .
"""


def clients(folder: Path, trees=TREES):
    """Makes a folder of clients for PATH and the packages that they deliver; returns it and the file that tells what was asked for."""
    programs, log = folder / "bin", folder / "asked.txt"
    programs.mkdir(parents=True)
    for name, make in trees.items():
        tree = folder / "trees" / name.lstrip("@").replace("/", "-")
        tree.mkdir(parents=True)
        make(tree)
        with tarfile.open(folder / f"{tree.name}.tgz", "w:gz") as archive:
            for path in sorted(tree.iterdir()):
                archive.add(path, path.name)
    for name, script in (("apt-get", _APT), ("dpkg", _DPKG), ("npm", _NPM)):
        path = programs / name
        path.write_text(script.format(log=log, folder=folder))
        path.chmod(0o755)
    return programs, log
