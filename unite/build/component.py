"""A component's config to the object: its `_target_` decides the class, so a user's own class is built like ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, TypeVar, cast

from omegaconf import DictConfig, ListConfig, OmegaConf

from unite.config.target import assemble

T = TypeVar("T")


def build(config: Any, path: str, /, **given: Any) -> Any:
    """Builds a component from its node in the config; `path` and `given` are those of `assemble`."""
    return assemble(_plain(config), path, given)


def options_of(kind: type[T], config: Any) -> T:
    """Returns the options that a command's config adds its own to: those of the dataclass which it extends."""
    given = OmegaConf.to_object(config)
    return kind(**{field.name: getattr(given, field.name) for field in fields(cast(Any, kind))})


def missing_keys(config: Any) -> list[str]:
    """Returns the full names of the values that are still to be given; that of one which another refers to, once."""
    return sorted(_missing(OmegaConf.to_container(config, resolve=False), ""))


def _missing(value: Any, path: str) -> Iterator[str]:
    if value == "???":
        yield path
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield from _missing(inner, f"{path}.{name}".lstrip("."))


def empty_keys(config: Any) -> list[str]:
    """Returns the names of the values that a command needs and that were left empty: `out=` would be the folder one is in."""
    kind: Any = OmegaConf.get_type(config)
    needed = [field.name for field in fields(kind) if field.default is field.default_factory is MISSING] if is_dataclass(kind) else []
    return [name for name in needed if not str(config[name]).strip()]


def check_untyped(config: Any) -> None:
    """Checks the names and types in the components that no schema of ours describes: recipes, steps, layouts, classes of a user's own.

    Of the others Hydra did it when it composed. Nothing is made, and no more is imported than the modules of these components.

    Raises:
        ConfigError: at the first that is wrong.
    """
    for path, node in _untyped(config, ""):
        assemble(_plain(node), path, dry=True)


def _untyped(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yields the outermost components that have no type, with their paths."""
    if isinstance(node, ListConfig):
        for number, one in enumerate(node):
            yield from _untyped(one, f"{path}[{number}]")
    if not isinstance(node, DictConfig):
        return
    if "_target_" in node and OmegaConf.get_type(node) is dict:
        yield path, node
        return
    for name in map(str, node):
        if not (OmegaConf.is_missing(node, name) or OmegaConf.is_interpolation(node, name)):  # what that refers to stands elsewhere
            yield from _untyped(node[name], f"{path}.{name}".lstrip("."))


def _plain(config: Any) -> Any:
    return OmegaConf.to_container(config, resolve=True, enum_to_str=True)
