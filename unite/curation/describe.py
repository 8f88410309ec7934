"""Says what a recipe, a step or a policy is, in JSON values: for the datasheet, and to tell one plan from another."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import is_dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from unite.curation.raw import Recipe

#: Of a name in a key: a dot or a slash would end it, and with anything but ASCII a member takes three headers in the tar.
_NOT_IN_KEYS = re.compile(r"[^A-Za-z0-9_-]+")
_MAX_NAME = 40


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


def key_prefix(recipe: Recipe, fingerprint: str) -> str:
    """Returns what the keys of a recipe's rows begin with in shards, `nli-3f9a02c1`, so that no row of another source has the same.

    The digits follow from its name, its options and the fingerprint of its annotations, but not from where they lie: sources of one name in
    two sets differ too, unless their annotations are the same.
    """
    options = {name: describe(value) for name, value in vars(recipe).items() if not name.startswith("_") and _is_told(value)}
    facts = [f"{type(recipe).__module__}.{type(recipe).__qualname__}", recipe.name, len(recipe), fingerprint, options]
    digest = blake2b(json.dumps(facts, sort_keys=True).encode(), digest_size=4).hexdigest()
    return f"{_NOT_IN_KEYS.sub('_', recipe.name)[:_MAX_NAME]}-{digest}"


def _is_told(value: Any) -> bool:
    """Whether a value is plain and holds no path."""
    if isinstance(value, Mapping):
        return all(map(_is_told, value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_is_told, value))
    return _is_plain(value) and not isinstance(value, Path)


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_plain, value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | int | float | bool | Path) or callable(value) or is_dataclass(value)
