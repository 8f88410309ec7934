"""Parquet files as Hugging Face numbers them, `test-00000-of-00002.parquet`: of a set all are read, or none."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from unite.errors import first_of
from unite.evaluation.layouts.source import BenchmarkFiles

#: The number of a shard and how many there are; older files have a hash behind it.
_SHARD = re.compile(r"-(\d{5})-of-(\d{5})(?!\d)")


def whole_set(files: BenchmarkFiles, found: Iterable[Path], what: str) -> list[Path]:
    """Returns the files in order, where they are one set; files without numbers are.

    Args:
        files: of the benchmark.
        found: those that lie there.
        what: what they are of, for errors.

    Raises:
        MissingTaskError: if one is missing.
        DataError: if they are of two sets: rows would count twice.
    """
    paths = sorted(found)
    shards = [match for path in paths if (match := _SHARD.search(path.name))]
    numbers = sorted(int(match[1]) for match in shards)
    if shards and (len(shards) < len(paths) or len({match[2] for match in shards}) > 1 or len(set(numbers)) < len(numbers)):
        names = first_of([str(path.relative_to(files.folder)) for path in paths], 4)
        raise files.broken(f"the files of {what}", "one set of shards", names, "Leave those of one download alone.")
    for match in shards[:1]:
        for number in set(range(int(match[2]))) - set(numbers):
            lost = paths[0].with_name(f"{match.string[: match.start()]}-{number:05d}-of-{match[2]}.parquet")
            files.find(str(lost.relative_to(files.folder)))  # raises
    return paths
