"""What is to be done of a corpus: which rows are new or may have changed, and which are not there any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from unite.search.corpus.corpus import Survey
from unite.search.corpus.stored import StoredCorpus
from unite.types import fingerprint


@dataclass
class Known:
    """What a stored corpus holds, by id and by content.

    Attributes:
        rows: id -> its number here.
        fingerprints, sizes, modified: by that number.
        ids: likewise.
    """

    ids: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    fingerprints: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    sizes: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    modified: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    @classmethod
    def of(cls, corpus: StoredCorpus | None) -> Known:
        """Reads it; of no corpus, nothing is known."""
        if corpus is None:
            return cls()
        read = corpus.read(["id", "fingerprint", "size", "modified"])
        ids = read.column("id").to_pylist()
        numbers = [read.column(name).to_numpy() for name in ("fingerprint", "size", "modified")]
        return cls(ids, {id: number for number, id in enumerate(ids)}, *numbers)

    def of_content(self) -> dict[int, str]:
        """Returns fingerprint -> the id of a row with that content."""
        return dict(zip(self.fingerprints.tolist(), self.ids, strict=True))


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        todo: positions of the rows that are new, or whose files changed.
        gone: ids of the stored rows that are in no source any more.
        num_unchanged: rows that are as they were.
    """

    todo: NDArray[np.int64]
    gone: list[str]
    num_unchanged: int


def make_plan(survey: Survey, known: Known) -> Plan:
    """Compares what is there with what is stored: size and time of change of the files."""
    numbers = np.fromiter((known.rows.get(id, -1) for id in survey.ids), np.int64, len(survey.ids))
    is_new = numbers < 0
    if len(known.ids):
        is_same = ~is_new & (known.sizes[numbers] == survey.sizes) & (known.modified[numbers] == survey.modified) & (survey.sizes >= 0)
    else:
        is_same = np.zeros(len(numbers), bool)
    there = set(survey.ids) if len(known.ids) else set()
    return Plan(np.flatnonzero(~is_same), [id for id in known.ids if id not in there], int(is_same.sum()))


def share_of(plan: Plan, ids: Sequence[str], rank: int, num_ranks: int) -> list[int]:
    """Returns the positions that fall to a rank: by their ids, so that no row is lost or done twice where ranks see different folders."""
    return [position for position in plan.todo.tolist() if fingerprint(ids[position]) % num_ranks == rank]
