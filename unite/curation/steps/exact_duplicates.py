"""Leaves out rows that another row repeats: equal texts (but for case, spaces and Unicode form) and equal stored media."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from unite.curation.steps.step import Collection, Drop, Verdict
from unite.errors import ConfigError, must_be_one_of

#: Which sides of a row must be like another's.
SIDES = {"row": (0, 1), "query": (0,), "positive": (1,)}


@dataclass(frozen=True)
class ExactDuplicates:
    """Keeps the first of equal rows.

    Attributes:
        of: `row` (query and positives are equal), `query` or `positive` (that side is). Equal positives under different queries are no
            fault in a batch, where equal contents are one; they are in a pool of candidates.
    """

    of: str = "row"
    columns: ClassVar[frozenset[str]] = frozenset({"exact"})
    name: str = "exact_duplicates"

    def __post_init__(self) -> None:
        if self.of not in SIDES:
            raise ConfigError(must_be_one_of(f"{self.name}.of", SIDES, self.of))

    def judge_set(self, collection: Collection) -> Verdict:
        """Drops every row after the first of its kind."""
        verdict, first = Verdict(), dict[tuple[int, ...], int]()
        for row, exact in enumerate(collection.signatures.exact[:, SIDES[self.of]].tolist()):
            original = first.setdefault(tuple(exact), row)
            if original != row:
                verdict.drops[row] = Drop("exact duplicate", f"of {collection.keys[original]}")
        return verdict
