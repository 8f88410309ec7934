"""What a curation step is: the two protocols, and what they take and return."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from unite.curation.loaded import LoadedRow
from unite.curation.signatures import COLUMNS, Signatures
from unite.data.rows import StoredContent

#: N contents, drawn once, to (N, D) float32 embeddings, L2-normalised: an `unite.embedding.Embedder`, or a function of one's own.
Embed = Callable[[Iterable[StoredContent]], NDArray[np.float32]]
#: Embeddings of the queries and of the first positives, (N, D) each.
SideEmbeddings = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True)
class Drop:
    """A row is left out.

    Attributes:
        reason: under which it is counted, a few fixed words.
        detail: what is so of this row.
        like: what it repeats, to be shown beside it: an index into the collection; or the name of something else, of which the step's
            method `named(names)` returns the contents, by name: one, or those of a pair.
    """

    reason: str
    detail: str = ""
    like: int | str | None = None


@runtime_checkable
class RowStep(Protocol):
    """Judges a row by itself."""

    @property
    def name(self) -> str:
        """The step's name in the funnel."""
        ...

    def judge_row(self, row: LoadedRow) -> Drop | None:
        """Returns why a row is left out, or None to keep it. What it reads of a medium may raise SkippedRowError."""
        ...


@dataclass(frozen=True)
class Collection:
    """All rows that are still in, in their order, as a set-wise step sees them.

    Attributes:
        keys: (N,) `source/key`.
        signatures: of the N rows.
        seed: for what a step draws by chance.
    """

    keys: Sequence[str]
    signatures: Signatures
    seed: int
    _embeddings: Callable[[Embed], SideEmbeddings]
    _text: Callable[[int, int], str]

    def __len__(self) -> int:
        return len(self.keys)

    def embeddings(self, embed: Embed) -> SideEmbeddings:
        """Returns the embeddings of queries and first positives; every row is embedded once a run, however many steps ask."""
        return self._embeddings(embed)

    def text(self, row: int, side: int) -> str:
        """Reads the normalised text of a row's query (0) or first positive (1): for the few that their signatures leave in doubt."""
        return self._text(row, side)


@dataclass
class Verdict:
    """What a set-wise step decides. Rows are indices into the collection; a row that is not named stays as it is.

    Attributes:
        drops: rows left out.
        groups: the group that a row's positives are given.
        negatives: rows whose first positive becomes a negative of this row, hardest first.
        merged: rows left out whose own negatives this row takes over: those it lacks, in their order.
    """

    drops: dict[int, Drop] = field(default_factory=dict)
    groups: dict[int, str] = field(default_factory=dict)
    negatives: dict[int, list[int]] = field(default_factory=dict)
    merged: dict[int, list[int]] = field(default_factory=dict)


@runtime_checkable
class SetStep(Protocol):
    """Judges all rows together. It must be a pure function of the collection.

    A class attribute `columns` may name the columns of `Signatures` that it looks at beside modality and group, so that others are not made
    for it; without one it gets all.
    """

    @property
    def name(self) -> str:
        """The step's name in the funnel."""
        ...

    def judge_set(self, collection: Collection) -> Verdict:
        """Returns what becomes of which row."""
        ...


Step = RowStep | SetStep


def columns_of(steps: Iterable[SetStep]) -> frozenset[str]:
    """Returns the columns of `Signatures` that some steps look at."""
    return frozenset[str]().union(*(getattr(step, "columns", COLUMNS) for step in steps))
