"""What is kept of a row beside its shard, and what is counted of a part: JSON Lines and a funnel.

rows.jsonl      a line a row: source, key, record, licence, pair, lengths, texts (cut), media, metadata
skipped.jsonl   a line a row left out: source, key, record, step, reason, detail, files, texts (cut), what it is like
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from unite.curation.loaded import LoadedRow
from unite.curation.raw import RawRow
from unite.curation.words import count_words
from unite.media.preview import cut
from unite.types import plain_text

#: The first steps of every funnel: the record is read, its media are opened and made ready.
READ = "read"
MEDIA = "media"
#: Letters of a text that a line tells, and fields of a record that could not be made a row.
_NUM_LETTERS, _NUM_FIELDS = 200, 8
#: File names that are no UTF-8 come as lone surrogates. So they are written as JSON's own \udcff, and read back as they were.
_LONE = "backslashreplace"


@dataclass(frozen=True)
class Skipped:
    """A row left out.

    Attributes:
        source, key: which.
        record: its position in the collection.
        step, reason, detail: which step left it out, under which reason, and what was so of it.
        files: of its media.
        texts: of the query and the first positive, cut.
        fields: of a record that no row was made of, cut.
        like: what it repeats: `source/key`, or a name by which the step knows it.
    """

    source: str
    key: str
    record: int
    step: str
    reason: str
    detail: str
    files: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    like: str = ""

    @classmethod
    def of(cls, source: str, key: str, record: int, why: tuple[str, str, str], known: RawRow | Mapping[str, Any] | None) -> Skipped:
        """Returns a row that was left out before it was stored.

        Args:
            source, key, record: which.
            why: step, reason, detail.
            known: the row, or the fields of the record that it could not be made of, as far as they are known.
        """
        if isinstance(known, RawRow):
            media = (medium for content in known.contents for medium in content.media)
            files = dict.fromkeys(name for medium in media if (name := medium.path or medium.name))
            return cls(source, key, record, *why, tuple(files), _texts(known.query.text, known.positives[0].text))
        fields = ((name, value) for name, value in (known or {}).items() if isinstance(value, str | int | float))
        return cls(source, key, record, *why, fields={name: cut(str(value), _NUM_LETTERS) for name, value in islice(fields, _NUM_FIELDS)})

    def line(self) -> dict[str, Any]:
        """Returns its line in skipped.jsonl, without what is empty."""
        return {name: value for name, value in vars(self).items() if value or name in ("record", "detail")}


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


def describe_row(source: str, record: int, row: LoadedRow) -> dict[str, Any]:
    """Returns the line kept of a row whose media are ready."""
    raw = row.raw
    fields: dict[str, Any] = {
        "source": source,
        "key": raw.key,
        "record": record,
        "pair": row.pair,
        "words": [count_words(plain_text(content.text)) for content in (row.query, row.positives[0])],
        "positives": len(row.positives),
        "negatives": len(row.negatives),
        "texts": _texts(row.query.text, row.positives[0].text),
        "media": [medium.facts() for medium in row.media],
    }
    if raw.licence:
        fields["licence"] = raw.licence
    if raw.metadata:
        fields["metadata"] = dict(raw.metadata)
    return fields


def files_of(line: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the files of a row's media, from its line in rows.jsonl."""
    return tuple(dict.fromkeys(medium["from"] for medium in line["media"] if medium["from"]))


def _texts(*texts: str) -> tuple[str, ...]:
    return tuple(cut(plain_text(text), _NUM_LETTERS) for text in texts)
