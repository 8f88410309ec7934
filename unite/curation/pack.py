"""Writes the rows that stay into their final shards, one folder a source and modality pair.

    out/<source>/<query>-to-<positive>/shard-000000.tar, .index.json, .rows.jsonl

The `__key__` of a row is `<source>-<digits>-<key>`, see `key_prefix`: other than any in the set, and in sets of other data, so that whoever
merges sources has no key twice. Beside the shard, and in skipped.jsonl, source and key stand apart.

Which rows a shard holds follows from the decision alone, so shards can be written in any order, by any process. A shard gets its name last.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from unite.curation.decide import AllRows, Decision
from unite.curation.signatures import normalise, parts_of
from unite.data.index import INDEX_SUFFIX
from unite.data.rows import Row, StoredContent
from unite.data.shards import ShardReader, ShardWriter
from unite.files import to_line, write_raw_lines
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
    kept = np.array(decision.kept, np.int64)
    recipes = np.array([part.recipe for part in rows.parts], np.int64)[np.searchsorted(rows.starts, kept, side="right") - 1]
    folders: dict[tuple[int, ...], list[int]] = {}
    for row, *folder in zip(decision.kept, recipes.tolist(), *rows.signatures.modality[kept].T.tolist(), strict=True):
        folders.setdefault(tuple(folder), []).append(row)
    return [
        PackedShard(
            out / rows.sources[recipe] / f"{Modality(query)}-to-{Modality(positive)}" / f"shard-{number:06d}.tar",
            np.array(all_rows[start : start + samples_per_shard]),
        )
        for (recipe, query, positive), all_rows in folders.items()
        for number, start in enumerate(range(0, len(all_rows), samples_per_shard))
    ]


@dataclass
class _Run:
    """Rows start..stop of a part, to be copied as they lie there; or one that a set-wise step gave something, its number and negatives."""

    part: int
    start: int
    stop: int
    changed: int | None = None
    num_negatives: int = 0


@dataclass(frozen=True)
class PackTask:
    """Writes a shard; can be sent to another process. Only rows that a set-wise step gave something are decoded; others are copied.

    Attributes:
        shards: all of them.
        folders: of the parts.
        starts: the number of each part's first row.
        groups, negatives, merged: as in `Decision`.
        work: where a shard is written before it gets its name.
    """

    shards: Sequence[PackedShard]
    folders: Sequence[Path]
    starts: NDArray[np.int64]
    groups: dict[int, str]
    negatives: dict[int, list[int]]
    merged: dict[int, list[int]]
    work: Path

    def __call__(self, number: int) -> int:
        """Writes the shard of that number, unless it is there. Returns its number of rows."""
        shard = self.shards[number]
        if not shard.is_done:
            self.work.mkdir(parents=True, exist_ok=True)
            shard.path.parent.mkdir(parents=True, exist_ok=True)
            runs = self._runs(shard.rows)
            with TemporaryDirectory(dir=self.work) as scratch:
                with ShardWriter(scratch, samples_per_shard=len(shard.rows)) as writer:
                    for run in runs:
                        if run.changed is None:
                            writer.copy(self._reader(run.part), run.start, run.stop)
                        else:
                            row = self._row(run.changed)
                            writer.write(row)
                            run.num_negatives = len(row.negatives)
                write_raw_lines(shard.path.with_suffix(ROWS_SUFFIX), (line for run in runs for line in self._lines_of(run)))
                (written,) = writer.paths
                written.with_name(written.name + INDEX_SUFFIX).replace(shard.path.with_name(shard.path.name + INDEX_SUFFIX))
                written.replace(shard.path)
        return len(shard.rows)

    def _runs(self, rows: NDArray[np.int64]) -> list[_Run]:
        runs: list[_Run] = []
        parts = np.searchsorted(self.starts, rows, side="right") - 1
        for row, part, place in zip(rows.tolist(), parts.tolist(), (rows - self.starts[parts]).tolist(), strict=True):
            last = runs[-1] if runs else None
            if row in self.groups or row in self.negatives or row in self.merged:
                runs.append(_Run(part, place, place + 1, row))
            elif last and last.changed is None and (last.part, last.stop) == (part, place):
                last.stop += 1
            else:
                runs.append(_Run(part, place, place + 1))
        return runs

    def _row(self, number: int) -> Row:
        row = self._read(number)
        group = self.groups.get(number, "")
        if group:
            row = replace(row, positives=tuple(replace(positive, group=positive.group or group) for positive in row.positives))
        mined = tuple(self._read(other).positives[0] for other in self.negatives.get(number, ()))
        merged = [negative for other in self.merged.get(number, ()) for negative in self._read(other).negatives]
        return replace(row, negatives=(*(_distinct([*row.negatives, *merged]) if merged else row.negatives), *mined))

    def _lines_of(self, run: _Run) -> list[bytes]:
        lines = self._lines(run.part)[run.start : run.stop]
        if run.changed is None:
            return lines
        fields = json.loads(lines[0])
        mined = len(self.negatives.get(run.changed, ()))
        merged = run.num_negatives - mined - fields["negatives"]
        more = {"merged_negatives": merged} if merged > 0 else {}
        group = {"group": self.groups[run.changed]} if run.changed in self.groups else {}
        return [to_line({**fields, "negatives": run.num_negatives, **more, **group})]

    def _read(self, number: int) -> Row:
        part = int(np.searchsorted(self.starts, number, side="right")) - 1
        return self._reader(part).read(number - int(self.starts[part]))

    # The caches are the task's own: another run may have other parts under the same names.
    @cached_property
    def _reader(self) -> Callable[[int], ShardReader]:
        return lru_cache(maxsize=32)(lambda part: ShardReader([self.folders[part] / "shard-000000.tar"]))

    @cached_property
    def _lines(self) -> Callable[[int], list[bytes]]:
        return lru_cache(maxsize=2)(lambda part: (self.folders[part] / "rows.jsonl").read_bytes().splitlines(keepends=True))


def _distinct(contents: Sequence[StoredContent]) -> list[StoredContent]:
    """Returns the first of equal ones, in their order."""
    first: dict[tuple[str | bytes, ...], StoredContent] = {}
    for content in contents:
        first.setdefault((normalise(content.instruction), *parts_of(content)), content)
    return list(first.values())
