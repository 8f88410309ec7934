"""Emoji as others draw them: Fluent Emoji in 3D and animated, OpenMoji; their names and keywords by emojibase."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from unite.worlds.stamps.drawing import Drawing

#: emojibase's group of what is no emoji of its own: skin tones and hair.
_COMPONENTS = 2


def read_fluent(trees: Sequence[Path], names: Path, languages: Sequence[str]) -> Iterator[Drawing]:
    """Yields Fluent Emoji, of the 3D package or of those with animations; of skin tones the neutral one alone.

    Args:
        trees: of the packages.
        names: the tree of emojibase-data.
        languages: of the translations.
    """
    for tree in trees:
        yield from _read(tree / "package" / "assets", ".webp", names, tuple(languages), lower=True)


def read_openmoji(tree: Path, names: Path, languages: Sequence[str]) -> Iterator[Drawing]:
    """Yields the emoji as OpenMoji draws them in colour; `tree` is of its package, the rest as for `read_fluent`."""
    yield from _read(tree / "package" / "color" / "svg", ".svg", names, tuple(languages), lower=False)


def _read(folder: Path, suffix: str, names: Path, languages: tuple[str, ...], *, lower: bool) -> Iterator[Drawing]:
    for code, told in _names(names, languages).items():
        # Some files lack the variation selector of their code.
        for spelt in (code, code.replace("-FE0F", "")):
            path = folder / f"{spelt.lower() if lower else spelt}{suffix}"
            if path.is_file():
                yield Drawing(code, path, **told)
                break


@cache
def _names(names: Path, languages: tuple[str, ...]) -> Mapping[str, Mapping[str, Any]]:
    """Returns hexcode -> caption, translations and keywords."""
    told = {language: {entry["hexcode"]: entry for entry in _data(names, language)} for language in ("en", *languages)}
    found = {}
    for entry in _data(names, "en"):
        code = entry["hexcode"]
        if entry.get("group", _COMPONENTS) != _COMPONENTS:
            labels = {language: told[language][code]["label"] for language in languages if code in told[language]}
            labels = {language: label for language, label in labels.items() if label != entry["label"]}
            found[code] = {"caption": entry["label"], "translations": labels, "keywords": tuple(sorted(set(entry.get("tags", ()))))}
    return found


def _data(names: Path, language: str) -> list[dict[str, Any]]:
    path = names / "package" / language / "data.json"
    entries: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return entries
