"""The Open Clip Art Library: an SVG each, with title and keywords in its metadata."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from unite.worlds.stamps.drawing import Drawing

_FOLDER = Path("usr/share/openclipart/svg")
_DC = "{http://purl.org/dc/elements/1.1/}"
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_WORKS = ("{http://web.resource.org/cc/}Work", "{http://creativecommons.org/ns#}Work")
#: Keywords that tell where a drawing was kept and nothing of what it shows.
_OF_THE_ARCHIVE = {"hash", "unsorted", "clipart", "clip art", "externalsource", "theme", "icons", "icon", "special", "simple", "color"}
_MOST = 12
#: Folders of icon themes and of shapes by formula, thousands of each: their titles are those of the set.
_NO_DRAWINGS = ("computer/icons/", "shapes/")


def read_clipart(tree: Path) -> Iterator[Drawing]:
    """Yields the drawings that have a title, by name of file; one whose XML is broken is left out."""
    folder = tree / _FOLDER
    for path in sorted(folder.rglob("*.svg")):
        name = path.relative_to(folder).as_posix()
        title, keywords = ("", ()) if name.startswith(_NO_DRAWINGS) else _described(path)
        if title:
            yield Drawing(name, path, title, keywords=keywords)


def _described(path: Path) -> tuple[str, tuple[str, ...]]:
    """Returns title and keywords."""
    try:
        root = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, ValueError, LookupError):  # the encoding that it names may be none
        return "", ()
    work = next((found for name in _WORKS for found in root.iter(name)), None)
    if work is None:
        return "", ()
    title = " ".join((work.findtext(f"{_DC}title") or "").split())
    told = (" ".join((word.text or "").replace("_", " ").split()).casefold() for word in work.iter(f"{_RDF}li"))
    keywords = dict.fromkeys(word for word in told if word and word not in _OF_THE_ARCHIVE)
    return title, tuple(keywords)[:_MOST]
