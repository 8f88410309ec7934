"""The settings in which recipes differ, each once: what a part of the config only repeats is left out, what a recipe lacks is one line."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from unite.comparison.evaluated_runs import NOT_COMPARED, TrainingRecipe, flat

_ABSENT = object()
#: Characters of a value that is a whole part of the config.
_LONGEST = 80


def differing_settings(recipes: Sequence[TrainingRecipe]) -> dict[str, list[str]]:
    """Returns the settings in which recipes differ: full name -> its value in each, `-` where it has none.

    A part of the config that a recipe lacks or has as another kind (a source of a mixture, say) is one setting. One that only repeats
    another is left out: a stage takes mixture, objective, optimizer and length from the options of these names, and sources their world.
    """
    found = dict(_differing([dict(recipe.runs[0].config) for recipe in recipes], ""))
    return {name: values for name, values in sorted(found.items()) if not any(found[other] == values for other in _repeated(name, found))}


def grouped(settings: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Sequence[str]]]:
    """Returns the settings by the first part of their names: group -> name -> values."""
    parts = itertools.groupby(settings, key=lambda name: name.partition(".")[0])
    return {group: {name: settings[name] for name in names} for group, names in parts}


def _differing(nodes: Sequence[Any], name: str) -> Iterator[tuple[str, list[str]]]:
    if name.startswith(NOT_COMPARED) or all(node == nodes[0] for node in nodes):
        return
    if all(isinstance(node, dict) and node for node in nodes):
        for key in dict.fromkeys(key for node in nodes for key in node):
            yield from _differing([node.get(key, _ABSENT) for node in nodes], f"{name}.{key}" if name else str(key))
    else:
        yield name, [_told(node) for node in nodes]


def _told(node: Any) -> str:
    if node is _ABSENT:
        return "-"
    if not isinstance(node, dict) or not node:
        return str(node)
    text = ", ".join(f"{key}: {value}" for key, value in flat(node) if key != "_target_")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _repeated(name: str, names: Mapping[str, Any]) -> Iterator[str]:
    """Yields the settings that one may only repeat: those by which its own name ends, and of a stage the trainer's."""
    parts = name.split(".")
    yield from (end for at in range(1, len(parts)) if (end := ".".join(parts[at:])) in names)
    if parts[0] == "adaptation" and (end := ".".join(["trainer", *parts[1:]])) in names:
        yield end
