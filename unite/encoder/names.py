"""What the names that a user gives mean in a model: its parts, and patterns of its modules' names.

language                      a part, as the family tells it
q_proj                        every module whose name ends so, and all within it
language_model.layers.1?      * stands for anything, dots too, ? for one character, [0-3] for one of these
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase

from unite.errors import ConfigError, must_be_one_of

#: name of a part -> the modules that it is
Parts = Mapping[str, Sequence[str]]


def chosen(names: Collection[str], wanted: Sequence[str], parts: Parts, option: str) -> set[str]:
    """Returns those of the names that are meant.

    Args:
        names: of layers or of parameters, in the model.
        wanted: parts and patterns. A pattern is that of a whole name or of its end, or of those of a module that it lies in.
        parts: of the family.
        option: where the user wrote them, for messages.

    Raises:
        ConfigError: if one of them means none; it lists the modules, those that differ by a number alone as one.
    """
    found: set[str] = set()
    for one in wanted:
        meant = {name for name in names if (part_of(name, parts) == one if one in parts else _matches(name, one))}
        if not meant:
            good = [*(part for part in parts if any(part_of(name, parts) == part for name in names)), *_modules(names)]
            raise ConfigError(must_be_one_of(option, good, one, "A name may be a pattern, and may leave out its beginning."))
        found |= meant
    return found


def part_of(name: str, parts: Parts) -> str | None:
    """Returns the part that a layer or parameter belongs to: that of the innermost module that is one; None for none."""
    within = [(len(module), part) for part, modules in parts.items() for module in modules if f"{name}.".startswith(f"{module}.")]
    return max(within)[1] if within else None


def _matches(name: str, pattern: str) -> bool:
    words = name.split(".")
    outer = (".".join(words[:length]) for length in range(1, len(words) + 1))
    return any(fnmatchcase(module, pattern) or fnmatchcase(module, f"*.{pattern}") for module in outer)


def _modules(names: Collection[str]) -> list[str]:
    """Returns the modules that the names are of, their numbers left out."""
    return sorted({re.sub(r"\.\d+(?=\.|$)", ".*", re.sub(r"\.(weight|bias)$", "", name)) for name in names})
