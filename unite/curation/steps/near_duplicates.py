"""Leaves out rows that are nearly another: copies of texts with small edits, and copies, crops and mirror images of pictures.

Texts are compared by the Jaccard similarity of their runs of 5 characters, pictures by their lowest frequencies and colours
(`unite.curation.picture_codes`). What says or shows the same in other words or from another side, an encoder finds: `semantic_duplicates`.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from unite.curation.near_matches import Finder, Likeness, find, side_finders
from unite.curation.signatures import Signatures
from unite.curation.steps.exact_duplicates import EQUAL, SIDES, whole_rows
from unite.curation.steps.step import Collection, Drop, Verdict
from unite.errors import ConfigError, must_be_one_of
from unite.progress import tracked

#: What is best of rows that are alike: the column of signatures that tells, both sides together; the higher the better.
KEEP = {"first": None, "largest": "pixels", "sharpest": "sharpness", "longest_caption": "length"}


@dataclass(frozen=True)
class NearDuplicates:
    """Keeps the best of rows that are alike; a row is compared with those kept, which are better, so likeness does not chain.

    Attributes:
        of: `row` (both sides are alike), `query` or `positive`.
        keep: which of them: `first`, `largest` (pixels of the originals), `sharpest` (of pictures) or `longest_caption` (characters of both
            texts); of equals the first.
        threshold, picture_threshold, max_crop, mirrored: when they are alike, see `Likeness`.
    """

    of: str = "row"
    keep: str = "first"
    threshold: float = 0.8
    picture_threshold: float = 0.92
    max_crop: float = 0.1
    mirrored: bool = True
    name: str = "near_duplicates"

    def __post_init__(self) -> None:
        check_choices(self.name, self.of, self.keep)
        self._likeness.check(self.name)

    @property
    def columns(self) -> AbstractSet[str]:
        """As of `SetStep`."""
        return columns_to_keep(self.keep) | {"length", "minhash", "pictures"}

    @property
    def _likeness(self) -> Likeness:
        return Likeness(self.threshold, self.picture_threshold, self.max_crop, self.mirrored)

    def judge_set(self, collection: Collection) -> Verdict:
        """Drops rows like one that is kept."""
        sides = [side_finders(collection.signatures, side, self._likeness, partial(collection.text, side=side)) for side in SIDES[self.of]]
        return keep_best(collection, sides, self.keep)


def check_choices(name: str, of: str, keep: str) -> None:
    """Raises ConfigError if a step has no such `of` or `keep`."""
    for option, allowed, value in (("of", SIDES, of), ("keep", KEEP, keep)):
        if value not in allowed:
            raise ConfigError(must_be_one_of(f"{name}.{option}", allowed, value))


def columns_to_keep(keep: str) -> frozenset[str]:
    """Returns the columns of signatures that tell which row is best, and which rows are equal."""
    column = KEEP[keep]
    return EQUAL | ({column} if column else set())


def keep_best(collection: Collection, sides: Sequence[Sequence[Finder]], keep: str) -> Verdict:
    """Drops rows like a better one that is kept, which takes over the negatives of rows equal to it.

    Args:
        collection: of the rows, which are the entries of the finders.
        sides: the finders of each side on which rows have to be alike; nothing is added to them yet.
        keep: of `KEEP`.
    """
    verdict, modality = Verdict(), collection.signatures.modality
    whole = whole_rows(collection.signatures)
    order = np.argsort(-_worth(collection.signatures, keep), kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    for row in tracked(order.tolist(), "comparing", "rows"):
        found = [other for other in find(sides, row) if (modality[other] == modality[row]).all()]
        if found:
            best = min(found, key=rank.__getitem__)
            verdict.drops[row] = Drop("near duplicate", f"of {collection.keys[best]}", like=best)
            if (whole[row] == whole[best]).all():
                verdict.merged.setdefault(best, []).append(row)
        else:
            for finder in (finder for side in sides for finder in side):
                finder.add(row)
    return verdict


def _worth(signatures: Signatures, keep: str) -> NDArray[np.float64]:
    column = KEEP[keep]
    if column is None:
        return np.zeros(len(signatures))
    values: NDArray[np.float64] = getattr(signatures, column).sum(axis=1, dtype=np.float64)
    return values
