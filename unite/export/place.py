"""Where a folder may be exported to, on the disk and on the hub; torch is not needed to say it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from unite.config.folder import nearest_existing
from unite.errors import ConfigError, must_be

_REPOSITORY = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


def check_out(out: str | Path) -> None:
    """Refuses a place that is not free: an export replaces nothing.

    Raises:
        ConfigError: if it is a file, a folder that holds something, or lies where nothing can be written.
    """
    folder = Path(out)
    if folder.is_dir() and any(folder.iterdir()):
        hint = "An export replaces nothing: name another place, or remove that one."
        raise ConfigError(must_be("out", "a new or empty folder", f"{out}, which holds {min(one.name for one in folder.iterdir())}", hint))
    nearest = nearest_existing(folder)
    if not nearest.is_dir():
        raise ConfigError(must_be("out", "a new or empty folder", str(out), f"{nearest} is a file."))
    above = nearest if nearest != folder.absolute() else nearest.parent  # the folder is written beside its place
    if not os.access(above, os.W_OK | os.X_OK):
        raise ConfigError(must_be("out", "a folder that can be written", str(out), f"{above} allows it not. Name another place."))


def check_repository(name: str | None) -> None:
    """Refuses what is no repository's name; None pushes nothing.

    Raises:
        ConfigError: if it is no owner/name.
    """
    if name is not None and not _REPOSITORY.fullmatch(name):
        raise ConfigError(must_be("push_to_hub", "owner/name of a repository, or null", name))
