"""Makes pictures and a table of a collection: what recipes of curation read.

    <folder>/<collection>/table.jsonl      a line a drawing: image (or video), caption, and what else is known of it, as text
                          pictures/        PNG
                          left_out.jsonl   what could not be drawn, and why
                          manifest.json    what it was made of; written last

A collection that is there is not drawn again, so a killed run goes on with the next.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from unite.errors import SkippedRowError
from unite.files import read_json, whole_folder, write_json, write_lines
from unite.locks import locked
from unite.progress import tracked
from unite.types import fingerprint
from unite.workers import end_with_parent
from unite.worlds.stamps.clipart import read_clipart
from unite.worlds.stamps.concepts import concept_of
from unite.worlds.stamps.drawing import Drawing
from unite.worlds.stamps.emoji import read_fluent, read_openmoji
from unite.worlds.stamps.packages import CLIPART, FLUENT, NAMES, OPENMOJI, TUXPAINT, Package, animated
from unite.worlds.stamps.pictures import draw
from unite.worlds.stamps.tuxpaint import read_tuxpaint

#: Counts up where tables or pictures are made in another way.
_FORMAT = 1
_MANIFEST, _TABLE = "manifest.json", "table.jsonl"
#: The collection of clips; that of all others is pictures.
ANIMATION = "animation"


@dataclass(frozen=True)
class Collection:
    """A collection: what it is called, its packages, and what reads it from their trees, given the languages of translations."""

    name: str
    packages: tuple[Package, ...]
    read: Callable[[], Iterator[Drawing]]


def collections_in(trees: Mapping[str, Path], names: Sequence[str], languages: Sequence[str]) -> list[Collection]:
    """Returns the collections.

    Args:
        trees: name of a package -> the folder of what is in it, of all that are needed.
        names: of those wanted, of `COLLECTIONS`; the animations come with their packages.
        languages: of the translations.
    """
    readers: dict[str, tuple[tuple[Package, ...], Callable[[], Iterator[Drawing]]]] = {}
    if "tuxpaint" in names:
        readers["tuxpaint"] = (TUXPAINT,), partial(read_tuxpaint, trees[TUXPAINT.name], languages)
    if "emoji" in names:
        readers["emoji"] = (FLUENT, NAMES), partial(read_fluent, [trees[FLUENT.name]], trees[NAMES.name], languages)
    if "openmoji" in names:
        readers["openmoji"] = (OPENMOJI, NAMES), partial(read_openmoji, trees[OPENMOJI.name], trees[NAMES.name], languages)
    if "clipart" in names:
        readers["clipart"] = (CLIPART,), partial(read_clipart, trees[CLIPART.name])
    parts = tuple(package for package in animated() if package.name in trees)
    if parts:
        readers[ANIMATION] = (*parts, NAMES), partial(read_fluent, [trees[part.name] for part in parts], trees[NAMES.name], languages)
    return [Collection(name, *reader) for name, reader in readers.items()]


def gather(collection: Collection, trees: Mapping[str, Path], folder: Path, *, languages: Sequence[str], side: int, workers: int) -> str:
    """Makes the table and pictures of a collection, unless they are there of the same packages and options.

    Args:
        collection: any.
        trees: name of a package -> the folder of what is in it.
        folder: where the folder of the collection is made.
        languages: of the translations.
        side: of the pictures, in pixels.
        workers: processes; 0 is one a core, 1 is this very process.

    Returns:
        The fingerprint of what it is made of.
    """
    archives = [read_json(trees[package.name].parent / "package.json")["sha256"] for package in collection.packages]
    made_of: dict[str, Any] = {"packages": archives, "languages": list(languages), "side": side, "format": _FORMAT}
    made_of["fingerprint"] = f"{fingerprint(json.dumps(made_of)):016x}"
    target = folder / collection.name
    with locked(target.with_name(target.name + ".lock")):
        if not (target / _MANIFEST).is_file() or read_json(target / _MANIFEST) != made_of:
            shutil.rmtree(target, ignore_errors=True)
            with whole_folder(target, existing="keep") as unfinished:
                if collection.name == ANIMATION:
                    write_lines(unfinished / _TABLE, _animated(collection, trees))
                else:
                    _draw_all(collection, unfinished, side, workers)
                write_json(unfinished / _MANIFEST, made_of)
    return str(made_of["fingerprint"])


def _draw_all(collection: Collection, folder: Path, side: int, workers: int) -> None:
    drawings = list(collection.read())
    names = [f"pictures/{number:05d}.png" for number in range(len(drawings))]
    jobs = [(drawing.path, folder / name, side) for drawing, name in zip(drawings, names, strict=True)]
    lines, left_out = [], []
    with ExitStack() as stack:
        told: Iterator[str] = map(_fault, jobs)
        if workers != 1:
            pool = ProcessPoolExecutor(workers or None, mp_context=get_context("spawn"), initializer=end_with_parent)
            told = stack.enter_context(pool).map(_fault, jobs, chunksize=32)
        faults = tracked(told, f"drawing {collection.name} ({len(jobs):,})", "pictures")
        for drawing, name, fault in zip(drawings, names, faults, strict=True):
            if fault:
                left_out.append({"name": drawing.name, "reason": fault})
            else:
                lines.append({"image": name, **_line(collection, drawing)})
    write_lines(folder / _TABLE, lines)
    write_lines(folder / "left_out.jsonl", left_out)


def _animated(collection: Collection, trees: Mapping[str, Path]) -> Iterator[dict[str, str]]:
    """Yields the lines of the animations, with their files as they lie from the folder of all packages."""
    root = trees[collection.packages[0].name].parents[1]
    return ({"video": drawing.path.relative_to(root).as_posix(), **_line(collection, drawing)} for drawing in collection.read())


def _fault(job: tuple[Path, Path, int]) -> str:
    """Draws one; returns why it could not be, or ""."""
    try:
        draw(*job)
    except SkippedRowError as error:
        return str(error)
    return ""


def _line(collection: Collection, drawing: Drawing) -> dict[str, str]:
    return {
        "caption": drawing.caption,
        "concept": concept_of(drawing.caption),
        "name": drawing.name,
        "translations": json.dumps(dict(drawing.translations), ensure_ascii=False, sort_keys=True),
        "keywords": ", ".join(drawing.keywords),
        "licence": collection.packages[0].licence,
    }
