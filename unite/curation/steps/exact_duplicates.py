"""Leaves out rows that another row repeats: equal texts (but for case, spaces and Unicode form) and equal stored media.

A row under another instruction asks for something else, so it is no duplicate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from unite.curation.signatures import Signatures
from unite.curation.steps.step import Collection, Drop, Verdict
from unite.errors import ConfigError, must_be_one_of

#: Which sides of a row must be like another's.
SIDES = {"row": (0, 1), "query": (0,), "positive": (1,)}
#: The columns of signatures that tell whether rows are equal.
EQUAL = frozenset({"exact", "instruction"})


def whole_rows(signatures: Signatures) -> NDArray[np.int64]:
    """Returns (N, 2, 2), for query and positive the fingerprints of the content and of its instruction: the same for equal pairs."""
    return np.stack([signatures.exact, signatures.instruction], axis=2)


@dataclass(frozen=True)
class ExactDuplicates:
    """Keeps the first of equal rows. Of equal pairs it takes over the negatives too, each once.

    Attributes:
        of: `row` (query and positives are equal), `query` or `positive` (that side is), with equal instructions. Equal positives under
            different queries are no fault in a batch, where equal contents are one; they are in a pool of candidates.
    """

    of: str = "row"
    columns: ClassVar[frozenset[str]] = EQUAL
    name: str = "exact_duplicates"

    def __post_init__(self) -> None:
        if self.of not in SIDES:
            raise ConfigError(must_be_one_of(f"{self.name}.of", SIDES, self.of))

    def judge_set(self, collection: Collection) -> Verdict:
        """Drops every row after the first of its kind."""
        verdict, first = Verdict(), dict[tuple[tuple[int, int], ...], int]()
        whole = whole_rows(collection.signatures)
        for row, sides in enumerate(whole[:, SIDES[self.of]].tolist()):
            original = first.setdefault(tuple(map(tuple, sides)), row)
            if original != row:
                verdict.drops[row] = Drop("exact duplicate", f"of {collection.keys[original]}", like=original)
                if (whole[row] == whole[original]).all():
                    verdict.merged.setdefault(original, []).append(row)
        return verdict
