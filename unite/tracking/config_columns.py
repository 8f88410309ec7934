"""A run's config as columns of a table: each setting once.

The resolved config repeats itself: the adaptation stage has the run's own mixture, objective and optimizer, and every source a copy of the
world and of how media are decoded. A column for each copy would bury what differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: What the adaptation stage takes from the run by default, with its name there.
_TAKEN = {"mixture": ("mixture",), "objective": ("objective",), "optimizer": ("optimizer",), "max_steps": ("trainer", "max_steps")}
#: Settings of a source that are as a rule those of all.
_OF_ALL = ("_target_", "neighbours", "decoding", "world")
#: Of this start of the run, or of where it lies; nothing that made it what it is.
_OF_THE_PLACE = ("run_folder", "runs_root", "resume", "logger")


def config_columns(config: Mapping[str, Any], choices: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Returns the config without doubles.

    Args:
        config: resolved.
        choices: the options that it was composed from, group -> name; they stand under `option`.
    """
    columns = {key: value for key, value in config.items() if key not in _OF_THE_PLACE}
    world = config.get("world")
    adaptation = dict(config.get("adaptation") or {})
    for name, path in _TAKEN.items():
        if name in adaptation and adaptation[name] == _found(config, path):
            del adaptation[name]
    stages = {"adaptation": adaptation, "alignment": dict(config.get("alignment") or {})}
    if not stages["alignment"].get("max_steps"):
        stages["alignment"] = {"max_steps": 0}  # left out of the run, whatever else it says
    columns |= {name: stage for name, stage in stages.items() if name in config}
    for holder in (columns, *stages.values()):
        if isinstance(holder.get("mixture"), dict):
            holder["mixture"] = _mixture(holder["mixture"], world)
    suite = config.get("suite")
    if isinstance(suite, dict):
        columns["suite"] = {key: value for key, value in suite.items() if key != "world" or value != world}
    options = {group: name for group, name in (choices or {}).items() if "/" not in group and name}
    return ({"option": options} if options else {}) | columns


def flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Returns a nested mapping with dotted keys, `optimizer.lr` -> 0.0015; an empty one as it is."""
    if isinstance(value, Mapping) and value:
        return {
            key: leaf for name, inner in value.items() for key, leaf in flat(inner, f"{prefix}.{name}" if prefix else str(name)).items()
        }
    return {prefix: value}


def _found(config: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = config
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _mixture(mixture: Mapping[str, Any], world: Any) -> dict[str, Any]:
    """Returns a mixture with what all its sources share said once, under `each_source`."""
    sources = {name: dict(source) for name, source in (mixture.get("sources") or {}).items() if isinstance(source, Mapping)}
    every: dict[str, Any] = {}
    for key in _OF_ALL:
        values = [source[key] for source in sources.values() if key in source]
        if len(values) == len(sources) and values and all(value == values[0] for value in values):
            every[key] = values[0]
            for source in sources.values():
                del source[key]
    if world is not None and every.get("world") == world:
        del every["world"]
    return {**mixture, "sources": sources} | ({"each_source": every} if every else {})
