"""Languages and scripts of the sources as bars in shares; those that most texts are in have a colour of their own in all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unite.curation.datasheet_funnel import NUM_COLOURS, Piece
from unite.curation.languages import NO_LETTERS

#: Of a source that are written beside its bar.
_NUM_NAMED = 4


@dataclass(frozen=True)
class Bar:
    """The bar of a source, and its largest shares in words; `texts` is how many were looked at."""

    name: str
    texts: int
    pieces: tuple[Piece, ...]
    told: str


def language_bars(sources: Mapping[str, Mapping[str, Any]], kind: str) -> tuple[Bar, ...]:
    """Returns a bar for each source that has texts.

    Args:
        sources: the sheet's `languages`.
        kind: `languages` or `scripts`.
    """
    colours = _colours(sources, kind)
    return tuple(_bar(name, found["texts"], found[kind], colours) for name, found in sources.items() if found["texts"])


def language_legend(sources: Mapping[str, Mapping[str, Any]], kind: str) -> tuple[tuple[str, str], ...]:
    """Returns (colour, what it stands for)."""
    colours = _colours(sources, kind)
    has_others = any(name not in colours for found in sources.values() for name in found[kind])
    return (*((colour, name) for name, colour in colours.items()), *([("rest", "others")] if has_others else []))


def _bar(name: str, texts: int, shares: Mapping[str, float], colours: Mapping[str, str]) -> Bar:
    pieces, start = [], 0.0
    for one in sorted(shares, key=lambda one: one not in colours):  # what has no colour of its own comes last
        pieces.append(Piece(colours.get(one, "rest"), one, round(shares[one] * texts), start, 100 * shares[one]))
        start += 100 * shares[one]
    return Bar(name, texts, tuple(pieces), " · ".join(f"{one} {100 * share:.0f} %" for one, share in list(shares.items())[:_NUM_NAMED]))


def _colours(sources: Mapping[str, Mapping[str, Any]], kind: str) -> dict[str, str]:
    total = Counter[str]()
    for found in sources.values():
        total.update({name: found["texts"] * share for name, share in found[kind].items() if name != NO_LETTERS})
    most = sorted(total, key=lambda name: (-total[name], name))[:NUM_COLOURS]
    return {name: f"loss{at - 1}" if at else "kept" for at, name in enumerate(most)}
