"""Sets of shards below one place, as `unite.curate` writes them: a folder for each source and pair."""

from __future__ import annotations

from glob import escape, glob, has_magic
from pathlib import Path

from unite.data.address import Address, find_shards, where_shards_are_missing
from unite.errors import DataError, must_be


def find_sets(where: str, option: str = "suite.shards") -> dict[str, list[Address]]:
    """Returns the shards of each folder, by its path below the part of `where` that is no pattern: `nli_text-to-text`.

    Args:
        where: a folder of shards, or one with such folders at any depth; a glob of shards or folders; an address of shards or of a set.
        option: what says where, for the message.

    Raises:
        DataError: if there are no shards.
    """
    shards = _find(where)
    if not shards:
        expected = "a folder with .tar shards, in itself or in folders of source and pair as unite.curate writes them, or a glob"
        raise DataError(must_be(option, expected, where, where_shards_are_missing(where)))
    plain, is_pattern = where.rstrip("/").split("/"), not Path(where).exists()
    root = plain[: next((at for at, part in enumerate(plain) if (is_pattern and has_magic(part)) or part.endswith(".tar")), len(plain))]
    sets: dict[str, list[Address]] = {}
    for shard in shards:
        below = shard.text.split("/")[len(root) : -1] if shard.is_local else shard.text.split("/")[:-1][-2:]
        sets.setdefault("_".join(below) or (root or ["pairs"])[-1] or "pairs", []).append(shard)
    return sets


def _find(where: str) -> list[Address]:
    if not Address(where).is_local:
        below = find_shards(where) or find_shards(f"{where.rstrip('/')}/*/*/*.tar")
        return [shard for shard in below if not any(part.startswith(".") for part in shard.text.split("/")[-3:])]
    found: list[str] = []
    for path in [where.rstrip("/")] if Path(where).exists() else sorted(glob(where.rstrip("/"), recursive=True)):
        # What begins with a dot, a curation at work say, is passed by here as above.
        found += sorted(glob(f"{escape(path)}/**/*.tar", recursive=True)) if Path(path).is_dir() else [path] * path.endswith(".tar")
    return [Address(path) for path in dict.fromkeys(found)]
