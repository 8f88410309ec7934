"""Says what a recipe, a step or a policy is, in JSON values: for the datasheet, and to tell one plan from another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any


def describe(thing: Any) -> Any:
    """Returns a value as JSON values; an object as its class and its public attributes, a function as its name.

    An embedding function that is an object describes itself by its attributes: a checkpoint's path, say.
    """
    if thing is None or isinstance(thing, str | int | float | bool):
        return thing
    if isinstance(thing, Path):
        return str(thing)
    if isinstance(thing, Mapping):
        return {str(key): describe(value) for key, value in thing.items()}
    if isinstance(thing, set | frozenset):
        return sorted(map(describe, thing), key=str)
    if isinstance(thing, list | tuple):
        return [describe(value) for value in thing]
    if hasattr(thing, "__qualname__"):
        return f"{thing.__module__}.{thing.__qualname__}"
    public = {name: value for name, value in vars(thing).items() if not name.startswith("_") and _is_plain(value)}
    return {"class": f"{type(thing).__module__}.{type(thing).__qualname__}", **describe(public)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_plain, value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | int | float | bool | Path) or callable(value) or is_dataclass(value)
