"""What is kept of a row beside its shard, and what is counted of a part: JSON Lines and a funnel.

rows.jsonl      a line a row: source, key, licence, pair, lengths, media, metadata
skipped.jsonl   a line a row left out: source, key, step, reason, detail
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from unite.curation.loaded import LoadedRow
from unite.curation.words import count_words
from unite.types import plain_text

#: The first steps of every funnel: the record is read, its media are opened and made ready.
READ = "read"
MEDIA = "media"
#: File names that are no UTF-8 come as lone surrogates. So they are written as JSON's own \udcff, and read back as they were.
_LONE = "backslashreplace"


@dataclass(frozen=True)
class Skipped:
    """A row left out: by which step, under which reason, and what was so of it."""

    source: str
    key: str
    step: str
    reason: str
    detail: str


@dataclass
class Funnel:
    """How many rows came in, and how many each step left out for which reason.

    Attributes:
        num_rows: that came in.
        dropped: (step, reason) -> rows.
    """

    num_rows: int = 0
    dropped: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, other: Funnel) -> None:
        """Adds the counts of another part."""
        self.num_rows += other.num_rows
        self.dropped.update(other.dropped)

    @classmethod
    def total(cls, funnels: Iterable[Funnel]) -> Funnel:
        """Adds several up."""
        whole = cls()
        for funnel in funnels:
            whole.add(funnel)
        return whole

    def count(self, skipped: Skipped) -> None:
        """Counts a row left out."""
        self.dropped[skipped.step, skipped.reason] += 1

    @property
    def num_kept(self) -> int:
        """Rows that no step left out."""
        return self.num_rows - self.dropped.total()

    def steps(self, order: Iterable[str]) -> list[dict[str, Any]]:
        """Returns, step by step, how many rows went in and came out and why the others did not."""
        left, steps = self.num_rows, []
        for name in order:
            reasons = {reason: count for (step, reason), count in sorted(self.dropped.items()) if step == name}
            out = left - sum(reasons.values())
            steps.append({"step": name, "in": left, "out": out, "dropped": reasons})
            left = out
        return steps

    def to_json(self) -> dict[str, Any]:
        """Returns it as JSON values."""
        return {"num_rows": self.num_rows, "dropped": [[*key, count] for key, count in sorted(self.dropped.items())]}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Funnel:
        """Reads it back."""
        return cls(fields["num_rows"], Counter({(step, reason): count for step, reason, count in fields["dropped"]}))


def describe_row(source: str, row: LoadedRow) -> dict[str, Any]:
    """Returns the line kept of a row whose media are ready."""
    raw = row.raw
    fields: dict[str, Any] = {
        "source": source,
        "key": raw.key,
        "pair": row.pair,
        "words": [count_words(plain_text(content.text)) for content in (row.query, row.positives[0])],
        "positives": len(row.positives),
        "negatives": len(row.negatives),
        "media": [medium.facts() for medium in row.media],
    }
    if raw.licence:
        fields["licence"] = raw.licence
    if raw.metadata:
        fields["metadata"] = dict(raw.metadata)
    return fields
