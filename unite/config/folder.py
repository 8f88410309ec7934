"""Where our options are."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]

#: The folder of the YAML options: in a wheel inside the package, in a checkout beside it.
CONF = _PACKAGE / "conf" if (_PACKAGE / "conf").is_dir() else _PACKAGE.parent / "conf"
