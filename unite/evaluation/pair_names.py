"""Pairs of modalities as tables and pages write them; in Python and JSON a pair is `text->text+image`."""

from __future__ import annotations

from unite.types import Modality

#: What the letters of `short` stand for, as a table or a page tells it.
LETTERS = ", ".join(f"{str(modality)[0].upper()} {modality}" for modality in Modality)
_ORDER = [str(modality) for modality in sorted(map(Modality, range(1, 1 << len(Modality))), key=lambda fused: (len(fused), fused.value))]


def short(pair: str) -> str:
    """Returns a modality pair as the paper writes it, `T+I → T`."""
    return " → ".join("+".join(part[0].upper() for part in side.split("+")) for side in pair.split("->"))


def modality_order(name: str) -> tuple[int, str]:
    """Returns a key by which tables sort modalities by name: single ones, then what is fused of two, and so on; what is unknown follows."""
    return (_ORDER.index(name) if name in _ORDER else len(_ORDER), name)


def arrow(pair: str) -> str:
    """Returns a modality pair for reading: `text → image`."""
    return pair.replace("->", " → ")
