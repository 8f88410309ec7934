"""The set-wise half: which rows stay, decided over the signatures of all of them, once.

The decision is written to disk, whole or not at all, before the first shard is: so a run that is killed while it writes shards goes on with
the same decision, even where an embedding on another device would differ in its last bit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unite.curation.describe import describe
from unite.curation.engine import run
from unite.curation.part import Part
from unite.curation.records import Skipped, files_of
from unite.curation.signatures import Signatures, group_number, normalise
from unite.curation.steps.step import Collection, Drop, Embed, SetStep, SideEmbeddings
from unite.data.rows import NamedContent, Row, StoredContent
from unite.data.shards import ShardReader
from unite.files import read_json, read_lines, whole_file, whole_folder, write_json, write_lines
from unite.progress import How, shown

#: Parts whose shards' indices are kept open: half a megabyte each at 1000 rows a part.
_NUM_OPEN = 256


@dataclass(frozen=True)
class Decision:
    """What becomes of the rows. A row's number counts the rows that are in over all parts.

    Attributes:
        kept: numbers of the rows that stay, ascending.
        groups: row -> group of its positives.
        negatives: row -> rows whose first positive it takes as negatives.
        merged: row -> rows left out whose own negatives it takes over.
    """

    kept: list[int]
    groups: dict[int, str] = field(default_factory=dict)
    negatives: dict[int, list[int]] = field(default_factory=dict)
    merged: dict[int, list[int]] = field(default_factory=dict)

    def save(self, folder: Path, skipped: Iterable[Mapping[str, Any]]) -> None:
        """Writes it, with the lines of the rows left out."""
        with whole_folder(folder, existing="keep") as partial:
            write_json(partial / "decision.json", vars(self))
            write_lines(partial / "skipped.jsonl", skipped)

    @classmethod
    def load(cls, folder: Path) -> Decision:
        """Reads it back."""
        fields = read_json(folder / "decision.json")
        of_rows = ({int(row): value for row, value in fields[name].items()} for name in ("groups", "negatives", "merged"))
        return cls(fields["kept"], *of_rows)


@dataclass(frozen=True)
class LeftOut:
    """A row that a set-wise step leaves out: its number, by which step and why, and the number or name of what it repeats."""

    row: int
    step: str
    drop: Drop
    like: int | str | None


class AllRows:
    """The rows of all parts, numbered through."""

    def __init__(self, parts: Sequence[Part], sources: Sequence[str], work: Path, progress: bool = False) -> None:
        self.parts, self.sources, self.work, self.progress = parts, sources, work, progress

    @cached_property
    def signatures(self) -> Signatures:
        """Of every row."""
        return Signatures.concatenate(part.signatures() for part in self.parts)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """(parts + 1,) the number of each part's first row."""
        return np.cumsum([0, *(part.funnel().num_kept for part in self.parts)]).astype(np.int64)

    @cached_property
    def keys(self) -> list[tuple[str, str]]:
        """(source, key) of every row."""
        return [(line["source"], line["key"]) for part in self.parts for line in read_lines(part.folder / "rows.jsonl")]

    def read(self, row: int) -> Row:
        """Returns a row with its media as they are stored."""
        part, place = self.find(row)
        return self._reader(part).read(place)

    def line(self, row: int) -> dict[str, Any]:
        """Returns what is kept of a row beside its shard (see `unite.curation.records`)."""
        part, place = self.find(row)
        known: dict[str, Any] = json.loads(self._lines(part)[place])
        return known

    def lines(self, left_out: Iterable[LeftOut]) -> Iterator[dict[str, Any]]:
        """Yields the line in skipped.jsonl of each row left out; with it, as `row` and `like_row`, the numbers of what it tells of."""
        for one in left_out:
            known = self.line(one.row)
            like = "/".join(self.keys[one.like]) if isinstance(one.like, int) else one.like or ""
            why = (one.step, one.drop.reason, one.drop.detail)
            row = Skipped(known["source"], known["key"], known["record"], *why, files_of(known), tuple(known["texts"]), like=like)
            yield {**row.line(), "row": one.row, **({"like_row": one.like} if isinstance(one.like, int) else {})}

    @cached_property
    def _lines(self) -> Callable[[int], list[bytes]]:
        return lru_cache(maxsize=2)(lambda part: (self.parts[part].folder / "rows.jsonl").read_bytes().splitlines())

    def find(self, row: int) -> tuple[int, int]:
        """Returns the part a row is in, and where in it."""
        part = int(np.searchsorted(self.starts, row, side="right")) - 1
        return part, row - int(self.starts[part])

    def text(self, row: int, side: int) -> str:
        """Reads the normalised text of a row's query (0) or first positive (1)."""
        stored = self.read(row)
        return normalise((stored.positives[0] if side else stored.query).text)

    @cached_property
    def _reader(self) -> Callable[[int], ShardReader]:
        return lru_cache(maxsize=_NUM_OPEN)(lambda part: self.parts[part].reader())

    def embeddings(self, embed: Embed) -> SideEmbeddings:
        """Embeds every row's query and first positive in this process; parts that were embedded before are read back."""
        name = blake2b(json.dumps(describe(embed)).encode(), digest_size=8).hexdigest()
        counts = np.diff(self.starts).tolist()
        task = EmbedTask(self.parts, counts, embed, self.work / "embeddings" / name)
        left = [number for number, count in enumerate(counts) if count and not task.path(number).exists()]
        num_rows = sum(counts[number] for number in left)
        run(task, left, title="embedding", num_rows=num_rows, workers=1, progress=self.progress and num_rows > 0)
        both = np.concatenate([np.load(task.path(number), allow_pickle=False) for number, count in enumerate(counts) if count], axis=1)
        return both[0], both[1]


@dataclass(frozen=True)
class EmbedTask:
    """Embeds the rows of a part: (2, n, D) float32, the queries and the first positives."""

    parts: Sequence[Part]
    counts: Sequence[int]
    embed: Embed
    folder: Path

    def path(self, number: int) -> Path:
        """Where the embeddings of a part lie."""
        return self.folder / f"{number:06d}.npy"

    def __call__(self, number: int) -> int:
        """Embeds a part. Returns its number of rows."""
        reader = self.parts[number].reader()
        keys = [f"{line['source']}/{line['key']}" for line in read_lines(self.parts[number].folder / "rows.jsonl")]
        rows = (reader.read(row) for row in range(self.counts[number]))
        sides = ((key, side, content) for key, row in zip(keys, rows, strict=True) for side, content in _sides(row))
        contents = (NamedContent(**vars(content), name=f"the {side} of row {key}") for key, side, content in sides)
        embeddings = np.asarray(self.embed(contents), np.float32)
        with whole_file(self.path(number)) as partial, partial.open("wb") as file:
            np.save(file, np.stack([embeddings[::2], embeddings[1::2]]))
        return self.counts[number]


def _sides(row: Row) -> tuple[tuple[str, StoredContent], ...]:
    return ("query", row.query), ("positive", row.positives[0])


def decide(rows: AllRows, steps: Sequence[SetStep], seed: int, how: How = "bar") -> tuple[Decision, list[LeftOut]]:
    """Runs the set-wise steps, each over what the one before left.

    Args:
        rows: of all parts.
        steps: in their order.
        seed: for what they draw by chance.
        how: what is seen of how far it is.
    """
    with shown("the signatures of all rows", how=how):
        signatures = rows.signatures
        names = ["/".join(key) for key in rows.keys] if steps else []
    kept = np.arange(len(signatures))
    groups: dict[int, str] = {}
    negatives: dict[int, list[int]] = {}
    merged: dict[int, list[int]] = {}
    left_out: list[LeftOut] = []
    embedded: dict[int, SideEmbeddings] = {}

    def embeddings(embed: Embed) -> SideEmbeddings:
        if id(embed) not in embedded:
            embedded[id(embed)] = rows.embeddings(embed)
        queries, positives = embedded[id(embed)]
        return queries[kept], positives[kept]

    def text(row: int, side: int) -> str:
        return rows.text(int(kept[row]), side)

    for step in steps:
        if not len(kept):
            break
        with shown(f"{step.name} over {len(kept):,} rows", how=how):
            verdict = step.judge_set(Collection([names[row] for row in kept], signatures.take(kept), seed, embeddings, text))
        # A verdict counts the rows that the steps before left.
        for place, group in verdict.groups.items():
            groups[int(kept[place])] = group
            if not signatures.group[kept[place], 1]:  # a group of the collection's own stays
                signatures.group[kept[place], 1] = group_number(group)
        for all_found, found in ((negatives, verdict.negatives), (merged, verdict.merged)):
            all_found |= {int(kept[place]): kept[others].tolist() for place, others in found.items()}
        for place, drop in sorted(verdict.drops.items()):
            like = int(kept[drop.like]) if isinstance(drop.like, int) else drop.like
            left_out.append(LeftOut(int(kept[place]), step.name, drop, like))
        kept = np.delete(kept, sorted(verdict.drops))
    return Decision(kept.tolist(), groups, negatives, merged), left_out
