"""Writes the rows that stay into their final shards, one folder a source and modality pair.

    out/<source>/<query>-to-<positive>/shard-000000.tar, .index.json, .rows.jsonl

Which rows a shard holds follows from the decision alone, so shards can be written in any order, by any process. A shard gets its name last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unite.curation.decide import AllRows, Decision
from unite.data.index import INDEX_SUFFIX
from unite.data.rows import Row
from unite.data.shards import ShardReader, ShardWriter
from unite.files import read_lines, write_lines
from unite.types import Modality

ROWS_SUFFIX = ".rows.jsonl"


@dataclass(frozen=True)
class PackedShard:
    """A final shard, and the numbers of its rows."""

    path: Path
    rows: NDArray[np.int64]

    @property
    def is_done(self) -> bool:
        """Whether it is there, whole."""
        return self.path.exists()


def plan_shards(rows: AllRows, decision: Decision, out: Path, samples_per_shard: int) -> list[PackedShard]:
    """Lays the rows that stay out in shards, in their order, by source and modality pair."""
    folders: dict[Path, list[int]] = {}
    for row in decision.kept:
        query, positive = (Modality(int(value)) for value in rows.signatures.modality[row])
        source = rows.sources[rows.parts[rows.find(row)[0]].recipe]
        folders.setdefault(out / source / f"{query}-to-{positive}", []).append(row)
    return [
        PackedShard(folder / f"shard-{number:06d}.tar", np.array(kept[start : start + samples_per_shard]))
        for folder, kept in folders.items()
        for number, start in enumerate(range(0, len(kept), samples_per_shard))
    ]


@dataclass(frozen=True)
class PackTask:
    """Writes a shard; can be sent to another process.

    Attributes:
        shards: all of them.
        folders: of the parts.
        starts: the number of each part's first row.
        groups, negatives: as in `Decision`.
        work: where a shard is written before it gets its name.
    """

    shards: Sequence[PackedShard]
    folders: Sequence[Path]
    starts: NDArray[np.int64]
    groups: dict[int, str]
    negatives: dict[int, list[int]]
    work: Path

    def __call__(self, number: int) -> int:
        """Writes the shard of that number, unless it is there. Returns its number of rows."""
        shard = self.shards[number]
        if not shard.is_done:
            self.work.mkdir(parents=True, exist_ok=True)
            shard.path.parent.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=self.work) as scratch:
                with ShardWriter(scratch, samples_per_shard=len(shard.rows)) as writer:
                    for row in shard.rows.tolist():
                        writer.write(self._row(row))
                write_lines(shard.path.with_suffix(ROWS_SUFFIX), map(self._line, shard.rows.tolist()))
                (written,) = writer.paths
                written.with_name(written.name + INDEX_SUFFIX).replace(shard.path.with_name(shard.path.name + INDEX_SUFFIX))
                written.replace(shard.path)
        return len(shard.rows)

    def _row(self, number: int) -> Row:
        row = self._read(number)
        group = self.groups.get(number, "")
        if group:
            row = replace(row, positives=tuple(replace(positive, group=positive.group or group) for positive in row.positives))
        mined = tuple(self._read(other).positives[0] for other in self.negatives.get(number, ()))
        return replace(row, negatives=(*row.negatives, *mined))

    def _line(self, number: int) -> dict[str, Any]:
        part, row = self._find(number)
        line = self._lines(part)[row]
        mined = len(self.negatives.get(number, ()))
        return {**line, "negatives": line["negatives"] + mined, **({"group": self.groups[number]} if number in self.groups else {})}

    def _read(self, number: int) -> Row:
        part, row = self._find(number)
        return self._reader(part).read(row)

    def _find(self, number: int) -> tuple[int, int]:
        part = int(np.searchsorted(self.starts, number, side="right")) - 1
        return part, number - int(self.starts[part])

    # The caches are the task's own: another run may have other parts under the same names.
    @cached_property
    def _reader(self) -> Callable[[int], ShardReader]:
        return lru_cache(maxsize=32)(lambda part: ShardReader([self.folders[part] / "shard-000000.tar"]))

    @cached_property
    def _lines(self) -> Callable[[int], list[dict[str, Any]]]:
        return lru_cache(maxsize=2)(lambda part: list(read_lines(self.folders[part] / "rows.jsonl")))
