"""What a component's `_target_` names, and whether the options beside it fit: one rule for building and for `make validate`.

A component takes its options in one of two ways, and declares them once in either:

    def __init__(self, config: MAMCLConfig)              the fields of a dataclass; what else it takes, the code hands over
    def __init__(self, folder: str, split: str = "test") its own parameters (as a component has that is a dataclass)
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any, get_args, get_type_hints

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError
from pydantic_core import SchemaError

from unite.config.moved import MOVED
from unite.errors import CollectedError, ConfigError, UniteError, must_be, must_be_one_of

#: Stands for a value that is not there yet, where a config is checked and not built.
UNKNOWN: Any = object()


def assemble(value: Any, path: str, given: Mapping[str, Any] | None = None, *, dry: bool = False) -> Any:
    """Makes the component of a plain config, and first the components within its options.

    Args:
        value: a mapping with a `_target_`, or any value that holds some.
        path: of it in the whole config, for messages (`recipes.nli`).
        given: what the code hands over: options that win over the config's, or further arguments.
        dry: checks everything and makes nothing. What the user or the code has still to give (`???`, null) may be missing then.

    Raises:
        ConfigError: if a `_target_` names nothing or an option does not fit; whatever a component itself refuses.
    """
    given = given or {}
    if isinstance(value, list):
        return [assemble(one, f"{path}[{number}]", dry=dry) for number, one in enumerate(value)]
    if not isinstance(value, dict):
        return UNKNOWN if dry and value == "???" else value
    within = {name: assemble(one, f"{path}.{name}".lstrip("."), dry=dry) for name, one in value.items() if name not in given}
    if "_target_" not in value:
        return within
    target = find_target(within.pop("_target_"), f"{path}._target_")
    options = options_of(target)
    if dry:
        within |= {name: UNKNOWN for name in options.required if within.get(name) is None}
    checked = options.checked({**within, **{name: one for name, one in given.items() if name in options.hints}}, path)
    rest = {name: one for name, one in given.items() if name not in options.hints}
    if dry:
        return UNKNOWN if options.config is None or UNKNOWN in checked.values() else options.config(**checked)
    with told_in_full(value, path, given.get("name")):
        return target(**checked, **rest) if options.config is None else target(options.config(**checked), **rest)


@contextmanager
def told_in_full(value: Mapping[str, Any], path: str, name: str | None = None) -> Iterator[None]:
    """Within it, what a component says of its options is told as they stand in the config.

    A component knows its name and not its place: of what a user writes as `recipes.nli.anchor` it says `nli.anchor`.

    Args:
        value: its config, with a `_target_`.
        path: of it in the whole config.
        name: that the code gives it; else that of the config, or the default one.
    """
    try:
        yield
    except UniteError as error:
        target = find_target(value["_target_"], path)
        default = inspect.signature(target).parameters.get("name")
        name = name or value.get("name") or (default.default if default else None)
        if isinstance(name, str) and path:
            # Not within a path or a longer name: `data/nli.anchor`, `recipes.nli.anchor`.
            own = rf"(?<![\w./\\-]){re.escape(name)}\.(?=(?:{'|'.join(map(re.escape, options_of(target).hints))})\b)"
            _rename(error, re.compile(own), f"{path}.")
        raise


def _rename(error: UniteError, own: re.Pattern[str], full: str) -> None:
    for one in error.errors if isinstance(error, CollectedError) else (error,):
        one.args = tuple(own.sub(lambda _: full, part) if isinstance(part, str) else part for part in one.args)


def find_target(name: str, path: str) -> Callable[..., Any]:
    """Returns the class or function of a `_target_`.

    Args:
        name: `package.module.Name`, ours or the user's own.
        path: of the `_target_` in the config, for messages.

    Raises:
        ConfigError: if there is none of that name; near ones are listed.
    """
    name = MOVED.get(name, name)
    module_name, _, attribute = name.rpartition(".")
    try:
        module = import_module(module_name)
    except (ImportError, ValueError) as error:
        hint = f"Its module cannot be imported ({error}): one of your own must lie in the working folder or be installed."
        raise ConfigError(must_be(path, "the full name of a class or function", name, hint)) from error
    target = getattr(module, attribute, None)
    if not callable(target):
        there = (key for key, value in vars(module).items() if callable(value) and getattr(value, "__module__", "") == module_name)
        raise ConfigError(must_be_one_of(path, (f"{module_name}.{key}" for key in there if not key.startswith("_")), name))
    found: Callable[..., Any] = target
    return found


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of a component.

    Attributes:
        hints: name -> type.
        required: names without a default.
        config: the dataclass that takes them; None where they are the component's own parameters.
        any_name: whether it takes names beyond these.
    """

    hints: Mapping[str, Any]
    required: frozenset[str]
    config: type | None = None
    any_name: bool = False

    def checked(self, values: Mapping[str, Any], path: str) -> dict[str, Any]:
        """Returns the values as the component takes them: a name made an enum, a mapping a dataclass, 3 a float.

        Args:
            values: name -> what stands in the config. `name: null`, where null is no value, counts as not given.
            path: of the config, for messages (`steps.short`).

        Raises:
            ConfigError: if a name is unknown, a value of another type, or one missing.
        """
        checked: dict[str, Any] = {}
        for name, value in values.items():
            if name not in self.hints and not self.any_name:
                raise ConfigError(must_be_one_of(f"an option of {path}", self.hints, name))
            hint = self.hints.get(name, Any)
            if value is not None or name not in self.required or hint is Any or type(None) in get_args(hint):
                checked[name] = _converted(value, hint, f"{path}.{name}")
        missing = sorted(self.required - set(checked))
        if missing:
            names = [f"{path}.{name}" for name in missing]
            raise ConfigError(must_be(", ".join(names), "given", "missing", f"Add {' '.join(f'{name}=...' for name in names)}."))
        return checked


@cache
def options_of(target: Callable[..., Any]) -> Options:
    """Returns what may stand beside a `_target_`."""
    hints = _hints(target.__init__ if inspect.isclass(target) else target)
    parameters = inspect.signature(target).parameters.values()
    if config := _dataclass_in(hints.get("config")):
        return _fields(config)
    named = [one for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    return Options(
        {one.name: hints.get(one.name, Any) for one in named},
        frozenset(one.name for one in named if one.default is one.empty),
        any_name=any(one.kind is one.VAR_KEYWORD for one in parameters),
    )


@cache
def _fields(config: type) -> Options:
    hints, fields = _hints(config), [field for field in dataclasses.fields(config) if field.init and field.name != "_target_"]
    required = (field.name for field in fields if field.default is field.default_factory is dataclasses.MISSING)
    return Options({field.name: hints.get(field.name, Any) for field in fields}, frozenset(required), config)


def _hints(of: Any) -> dict[str, Any]:
    try:
        return get_type_hints(of)
    except (NameError, TypeError):  # a type that is imported for type checkers alone
        return {}


def _dataclass_in(hint: Any) -> type | None:
    """Returns the dataclass of `Decoding` and of `Decoding | None`."""
    return next((one for one in (hint, *get_args(hint)) if inspect.isclass(one) and dataclasses.is_dataclass(one)), None)


def _converted(value: Any, hint: Any, path: str) -> Any:
    """Returns the value as one of the type. Raises ConfigError if it cannot be."""
    if value is UNKNOWN:
        return value
    config = _dataclass_in(hint)
    if config is not None and isinstance(value, dict):
        fields = _fields(config).checked({name: one for name, one in value.items() if name != "_target_"}, path)
        return UNKNOWN if UNKNOWN in fields.values() else config(**fields)
    adapter = _adapter(hint) if not isinstance(value, dict | list | tuple) or UNKNOWN not in _leaves(value) else None
    try:
        return value if adapter is None else adapter.validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        within = [str(part) for part in first["loc"] if isinstance(value, dict | list)]
        expected = first["msg"].removeprefix("Input should be ").partition(", ")[0]
        raise ConfigError(must_be(".".join([path, *within]), expected, first["input"])) from error


@cache
def _adapter(hint: Any) -> TypeAdapter[Any] | None:
    """Returns what checks a type; None for a type that cannot be checked (a Protocol)."""
    try:
        return TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True, coerce_numbers_to_str=True))
    except (PydanticUserError, SchemaError, NameError, TypeError):
        return None


def _leaves(value: Any) -> list[Any]:
    values = value.values() if isinstance(value, dict) else value
    return [leaf for one in values for leaf in (_leaves(one) if isinstance(one, dict | list | tuple) else [one])]
