"""Under which licence a world's data is, and in which languages: of a built-in one by its package, of a user's own by its class.

Not in the built-in worlds' own files: those name the folders that worlds are built into, so that a line more would build all of them anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Terms:
    """What whoever passes a world's data on, or what was made of it, has to know.

    Attributes:
        licence: by its SPDX identifier, `CC-BY-SA-4.0`; "" where unknown.
        languages: of its texts, ISO 639-1 codes; none where unknown.
    """

    licence: str = ""
    languages: tuple[str, ...] = ()


#: Both are made of OpenMoji's glyphs; see NOTICE.md in their folders `atlas`.
_BUILT_IN = {
    "unite.worlds.emoji": Terms("CC-BY-SA-4.0", ("en",)),
    "unite.worlds.people": Terms("CC-BY-SA-4.0", ("en",)),
}


def terms_of(world: Callable[..., Any]) -> Terms:
    """Returns the terms of a world's class: those of a built-in one, else what its attributes `licence` and `languages` say."""
    module = getattr(world, "__module__", "")
    built_in = next((terms for package, terms in _BUILT_IN.items() if module == package or module.startswith(f"{package}.")), None)
    return built_in or Terms(str(getattr(world, "licence", "")), tuple(getattr(world, "languages", ())))
