"""The folder of a set: which plan it belongs to, and what may be written there.

A plan is noted before anything else is, so that a folder is gone on with by the same plan, and never written over by another.
"""

from __future__ import annotations

import errno
import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unite.errors import ConfigError, DataError, UniteError, must_be
from unite.files import write_json
from unite.types import fingerprint

DATASHEET = "datasheet.json"
PAGE = "datasheet.html"
SKIPPED = "skipped.jsonl"
#: There while a process makes the set: another one waits for it.
LOCK = ".lock"
_OWN = (DATASHEET, PAGE, SKIPPED)
_SOURCE = re.compile(r"[^./\\\0][^/\\\0]{0,99}")
#: Classes that have another place since sets were made with them: a plan names them by their path.
_MOVED = {"unite.curation.media.MediaPolicy": "unite.config.schema.media.MediaPolicy"}
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def check_source(name: str) -> None:
    """Raises ConfigError if a recipe's name is no folder that can stand in a set."""
    if not _SOURCE.fullmatch(name) or name in _OWN:
        expected = "a folder name of at most 100 characters that begins with no dot"
        raise ConfigError(must_be("the name of a recipe", expected, name, f"Its shards lie in it, beside {', '.join(_OWN)}."))


def open_set(out: Path, work: Path, plan: Mapping[str, Any], layout: Sequence[str | int]) -> dict[str, Any] | None:
    """Notes the plan in a new folder, or compares it with the one noted.

    Args:
        out: the folder.
        work: the one in it for what is not done.
        plan: what the set depends on.
        layout: what the parts depend on beside it. A set that is done depends on it no more.

    Returns:
        The datasheet if the set is there, whole; None if it is still to be made.

    Raises:
        ConfigError: if the folder holds another plan's set or something else, or cannot be written.
        DataError: if shards of the set are gone.
    """
    sheet, noted, begun = out / DATASHEET, work / "plan.json", {**plan, "layout of .work": list(layout)}
    for path in (sheet, noted):
        if path.exists():
            fields = _read(path)
            _check_same(out, fields["plan"] if path is sheet else fields, plan if path is sheet else begun)
            if path is sheet:
                gone = [name for name in fields["checksums"] if not (out / name).is_file()]
                if gone:
                    raise DataError(f"{out} lacks {len(gone)} of its shards, {gone[0]} first. Copy them back, or remove it and run again.")
                shutil.rmtree(work, ignore_errors=True)
                return fields
    if not noted.exists():
        if out.is_dir() and any(path.name not in (work.name, LOCK) for path in out.iterdir()):
            hint = "It holds something else. Choose another folder, or empty this one."
            raise ConfigError(must_be("out", "a new or empty folder, or one with a set of this plan", str(out), hint))
        try:
            work.mkdir(parents=True, exist_ok=True)
            write_json(noted, begun)
        except OSError as error:
            if error.errno in _NO_SPACE:
                raise
            raise ConfigError(must_be("out", "a folder that can be written", f"{out} ({error.strerror})")) from error
    return None


@contextmanager
def full_disk_named(out: Path) -> Iterator[None]:
    """Raises UniteError, which says what to do, where the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_SPACE:
            raise
        hint = "Make room and run it again: what is done is kept."
        raise UniteError(f"{out} cannot be written any further ({error.strerror}). {hint}") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"), object_hook=_renamed)
    except ValueError as error:
        hint = "Something else changed it. Choose another folder for out, or remove this one."
        raise ConfigError(f"{path} is no JSON ({error}). {hint}") from error
    return fields


def _renamed(fields: dict[str, Any]) -> dict[str, Any]:
    """Returns a JSON object with the present name of the class that it is of."""
    name = fields.get("class")
    return {**fields, "class": _MOVED[name]} if isinstance(name, str) and name in _MOVED else fields


def _check_same(out: Path, other: Mapping[str, Any], plan: Mapping[str, Any]) -> None:
    if _digest(other) != _digest(plan):
        changed = ", ".join(name for name in plan if other.get(name) != plan[name])
        hint = f"It was made with other {changed}. Choose another folder, or remove this one."
        raise ConfigError(must_be("out", "a folder without another plan's set", str(out), hint))


def _digest(plan: Mapping[str, Any]) -> int:
    return fingerprint(json.dumps(plan, sort_keys=True))
