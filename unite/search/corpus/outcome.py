"""What a call that embeds a corpus did, counted and told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unite.search.corpus.place import Place
from unite.search.corpus.recall import K

#: Where rows that could not be read are named, in the folder of the corpus.
SKIPPED = "skipped.jsonl"


@dataclass
class Counts:
    """What became of rows.

    Attributes:
        embedded: rows that the encoder embedded.
        taken_over: whose content was embedded before.
        skipped: that could not be read.
        changed: that changed while they were read: the next call embeds them again.
        first: why the first one was skipped.
    """

    embedded: int = 0
    taken_over: int = 0
    skipped: int = 0
    changed: int = 0
    first: str = ""

    def __add__(self, other: Counts) -> Counts:
        """Returns the sum of both, and the first of the two reasons."""
        return Counts(
            self.embedded + other.embedded,
            self.taken_over + other.taken_over,
            self.skipped + other.skipped,
            self.changed + other.changed,
            self.first or other.first,
        )


@dataclass(frozen=True)
class Outcome:
    """What a call did, on all ranks together.

    Attributes:
        rows: of the corpus.
        counts: what became of those that were looked at.
        unchanged, dropped: rows that stayed as they were, and those that are gone.
        recall: recall@10 of smaller vectors, and the rows it was measured among; None where vectors are exact.
    """

    rows: int
    counts: Counts
    unchanged: int
    dropped: int
    recall: tuple[float, int] | None

    def told(self, out: str | Path | Place) -> list[str]:
        """Returns lines for whoever called."""
        counts = self.counts
        done = f"{counts.embedded} embedded, {counts.taken_over} taken over from equal contents, {self.unchanged} unchanged"
        lines = [f"The corpus is in {out}: {self.rows} rows ({done}), {self.dropped} dropped, {counts.skipped} skipped."]
        if counts.skipped:
            lines.append(f"What was skipped is named in {Place.of(out) / SKIPPED}; the first: {counts.first}")
        if counts.changed:
            lines.append(f"{counts.changed} rows changed while they were read: run it again to have them as they are now.")
        if self.recall is not None:
            lines.append(
                f"Of the {K} nearest by float32 vectors, the smaller ones find {self.recall[0]:.1%} (a sample of {self.recall[1]} rows)."
            )
        return lines
