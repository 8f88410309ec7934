"""Which runs are meant: run folders, sweeps, or folders of either."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from unite.errors import CheckpointError, ConfigError, must_be

#: `runs/<name>/<sweep>/<job>`: from `runs` down to a job.
_DEPTH = 3
#: A folder named by the moment that the run was started: that alone tells nobody which run it is.
_STARTED = re.compile(r"\d{4}-\d\d-\d\d_")


def find_runs(arguments: Sequence[str]) -> list[tuple[str, Path]]:
    """Returns (name, folder) of the runs in folders, each given as a folder or as `name=folder`.

    A run is called by its folder; by the folder above too where two have one name, or the name is a date.

    Raises:
        CheckpointError: if an argument is no folder, or there is no run in it.
        ConfigError: if two runs are given one name.
    """
    named: dict[Path, str] = {}
    for argument in arguments:
        name, sign, folder = ("", "", argument) if Path(argument).is_dir() else argument.partition("=")
        path = Path(folder if sign else argument)
        found = _runs_in(path, _DEPTH) if path.is_dir() else []
        if not found:
            actual = "a folder without any" if path.is_dir() else "no folder"
            hint = "Give run folders that unite.train or unite.evaluate made, the folder of a sweep, or a folder of such."
            raise CheckpointError(must_be(str(path), "a folder of runs, each with its config.yaml", actual, hint))
        if sign and len(found) > 1:
            raise ConfigError(must_be(argument, "a name for one run", f"one for {len(found)} runs", f"Give {path} without a name."))
        named.update({run.resolve(): name if sign else "" for run in found})
    return _distinct(named)


def _runs_in(folder: Path, depth: int) -> list[Path]:
    if (folder / "config.yaml").is_file() and folder.name != "hydra":
        return [folder]
    inside = sorted(path for path in folder.iterdir() if path.is_dir() and path.name not in ("hydra", "wandb")) if depth else []
    return [run for path in inside for run in _runs_in(path, depth - 1)]


def _distinct(named: dict[Path, str]) -> list[tuple[str, Path]]:
    """Names each run by as much of the end of its path as tells it from the others."""
    given = [name for name in named.values() if name]
    twice = sorted({name for name in given if given.count(name) > 1})
    if twice:
        raise ConfigError(must_be("the names of the runs", "distinct", f"{twice[0]} more than once"))
    names = dict(named)
    for num_parts in range(1, 5):
        endings = {
            path: "/".join(path.parts[-max(num_parts, 2 if _STARTED.match(path.name) else 1) :]) for path, name in names.items() if not name
        }
        count = Counter(endings.values())
        names |= {path: ending for path, ending in endings.items() if count[ending] == 1 and ending not in names.values()}
    return [(name or str(path), path) for path, name in names.items()]
