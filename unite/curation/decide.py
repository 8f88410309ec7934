"""The set-wise half: which rows stay, decided over the signatures of all of them, once.

The decision is written to disk, whole or not at all, before the first shard is: so a run that is killed while it writes shards goes on with
the same decision, even where an embedding on another device would differ in its last bit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unite.curation.describe import describe
from unite.curation.engine import run
from unite.curation.part import Part
from unite.curation.records import Skipped
from unite.curation.signatures import Signatures, group_number, normalise
from unite.curation.steps.step import Collection, Embed, Embeddings, SetStep
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

    def save(self, folder: Path, skipped: Sequence[Skipped]) -> None:
        """Writes it, with the rows left out."""
        with whole_folder(folder, existing="keep") as partial:
            write_json(partial / "decision.json", vars(self))
            write_lines(partial / "skipped.jsonl", (vars(row) for row in skipped))

    @classmethod
    def load(cls, folder: Path) -> Decision:
        """Reads it back."""
        fields = read_json(folder / "decision.json")
        of_rows = ({int(row): value for row, value in fields[name].items()} for name in ("groups", "negatives", "merged"))
        return cls(fields["kept"], *of_rows)


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

    def find(self, row: int) -> tuple[int, int]:
        """Returns the part a row is in, and where in it."""
        part = int(np.searchsorted(self.starts, row, side="right")) - 1
        return part, row - int(self.starts[part])

    def text(self, row: int, side: int) -> str:
        """Reads the normalised text of a row's query (0) or first positive (1)."""
        part, place = self.find(row)
        stored = self._reader(part).read(place)
        return normalise((stored.positives[0] if side else stored.query).text)

    @cached_property
    def _reader(self) -> Callable[[int], ShardReader]:
        return lru_cache(maxsize=_NUM_OPEN)(lambda part: self.parts[part].reader())

    def embeddings(self, embed: Embed) -> Embeddings:
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


def decide(rows: AllRows, steps: Sequence[SetStep], seed: int, how: How = "bar") -> tuple[Decision, list[Skipped]]:
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
    skipped: list[Skipped] = []
    embedded: dict[int, Embeddings] = {}

    def embeddings(embed: Embed) -> Embeddings:
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
            skipped.append(Skipped(*rows.keys[int(kept[place])], step.name, drop.reason, drop.detail))
        kept = np.delete(kept, sorted(verdict.drops))
    return Decision(kept.tolist(), groups, negatives, merged), skipped
