"""Tux Paint's stamps: `badger.png` or `.svg`, and `badger.txt` with the caption in English and, a line a language, in others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from unite.worlds.stamps.drawing import Drawing

_FOLDER = Path("usr/share/tuxpaint/stamps")
#: Our code of a language -> its in the files, where it is another.
_CODES = {"zh": "zh_CN"}
_MIRROR = "_mirror"


def read_tuxpaint(tree: Path, languages: Sequence[str]) -> Iterator[Drawing]:
    """Yields the stamps that have a caption, by name of file. A mirror image (`tugboat_mirror.png`) has that of its original.

    Args:
        tree: of the package.
        languages: of the translations.
    """
    folder = tree / _FOLDER
    for path in sorted(path for path in folder.rglob("*") if path.suffix in (".png", ".svg")):
        text = path.with_name(path.stem.removesuffix(_MIRROR) + ".txt")
        if not text.is_file():
            continue
        caption, translations = _captions(text.read_text(encoding="utf-8", errors="replace"))
        kept = {code: translations[own] for code in languages if (own := _CODES.get(code, code)) in translations}
        if caption:
            # What was not translated stands there in English.
            kept = {code: told for code, told in kept.items() if told != caption}
            yield Drawing(path.relative_to(folder).as_posix(), path, caption, kept)


def _captions(text: str) -> tuple[str, dict[str, str]]:
    first, *others = text.splitlines() or [""]
    translations = {}
    for line in others:
        code, _, told = line.partition(".utf8=")
        if told.strip():
            translations[code] = told.strip()
    return first.strip(), translations
