"""Where our options are, and where what may be made again is kept."""

from __future__ import annotations

import logging
import os
from functools import cache
from pathlib import Path

_log = logging.getLogger(__name__)
_PACKAGE = Path(__file__).parents[1]

#: The folder of the YAML options: in a wheel inside the package, in a checkout beside it.
CONF = _PACKAGE / "conf" if (_PACKAGE / "conf").is_dir() else _PACKAGE.parent / "conf"


def user_cache() -> Path | None:
    """Returns the user's cache folder of unite: $UNITE_CACHE, else `unite` in $XDG_CACHE_HOME or ~/.cache.

    A $XDG_CACHE_HOME that is empty or not absolute counts as none (XDG Base Directory Specification 0.8). None, which is told once, where
    nobody knows the user's home: a container may be started for a user that it does not have.
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    default = Path(base if Path(base).is_absolute() else "~/.cache") / "unite"
    folder = Path(os.environ.get("UNITE_CACHE") or default)
    try:
        return folder.expanduser()
    except RuntimeError as error:
        _tell_homeless(str(folder), str(error).rstrip("."))
        return None


@cache
def _tell_homeless(folder: str, why: str) -> None:
    _log.warning("what may be made again is not kept, since nobody knows where %s is (%s): set UNITE_CACHE to a folder.", folder, why)


def nearest_existing(path: str | Path) -> Path:
    """Returns the path itself, or of those above it the nearest that is there: whether a folder can be made is told by that one."""
    whole = Path(path).absolute()
    return next(one for one in (whole, *whole.parents) if one.exists())
