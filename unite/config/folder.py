"""Where our options are, and where what may be made again is kept."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]

#: The folder of the YAML options: in a wheel inside the package, in a checkout beside it.
CONF = _PACKAGE / "conf" if (_PACKAGE / "conf").is_dir() else _PACKAGE.parent / "conf"


def user_cache() -> Path:
    """Returns the user's cache folder of unite: $UNITE_CACHE, else `unite` in $XDG_CACHE_HOME or ~/.cache.

    A $XDG_CACHE_HOME that is empty or not absolute counts as none (XDG Base Directory Specification 0.8).
    """
    if given := os.environ.get("UNITE_CACHE"):
        return Path(given).expanduser()
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path("~/.cache").expanduser()) / "unite"
