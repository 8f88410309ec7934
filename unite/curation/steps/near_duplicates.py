"""Leaves out rows that are nearly another: copies of texts with small edits, and copies, crops and mirror images of pictures.

Texts are compared by the Jaccard similarity of their runs of 5 characters, pictures by their lowest frequencies and colours
(`unite.curation.picture_codes`); or both by the cosine of an encoder's embeddings, which finds what says or shows the same otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from unite.curation.near_matches import Finder, Likeness, find, side_finders
from unite.curation.signatures import Signatures
from unite.curation.steps.exact_duplicates import SIDES
from unite.curation.steps.neighbours import NearEmbeddings
from unite.curation.steps.step import Collection as Rows
from unite.curation.steps.step import Drop, Embed, Verdict
from unite.errors import ConfigError, must_be, must_be_one_of
from unite.progress import tracked

#: What is best of rows that are alike, of the sides that are compared; the higher the better.
_BEST: dict[str, Callable[[Signatures], NDArray[np.float64]]] = {
    "largest": lambda signatures: signatures.pixels.sum(axis=1, dtype=np.float64),
    "sharpest": lambda signatures: signatures.sharpness.sum(axis=1, dtype=np.float64),
    "longest_caption": lambda signatures: signatures.length.sum(axis=1, dtype=np.float64),
}
KEEP = ("first", *_BEST)
_COLUMN_OF = {"first": (), "largest": ("pixels",), "sharpest": ("sharpness",), "longest_caption": ("length",)}


@dataclass(frozen=True)
class NearDuplicates:
    """Keeps the best of rows that are alike; a row is compared with those kept, which are better, so likeness does not chain.

    Attributes:
        of: `row` (both sides are alike), `query` or `positive`.
        keep: which of them: `first`, `largest` (pixels of the originals), `sharpest` (of pictures) or `longest_caption` (characters of both
            texts); of equals the first.
        threshold, picture_threshold, max_crop, mirrored: when they are alike, see `Likeness`.
        embed: if given, contents to L2-normalised embeddings; cosines then decide instead of the four above.
        min_cosine: from which two embeddings are alike.
        num_neighbours: how many of a row's nearest are looked at.
    """

    of: str = "row"
    keep: str = "first"
    threshold: float = 0.8
    picture_threshold: float = 0.92
    max_crop: float = 0.1
    mirrored: bool = True
    embed: Embed | None = None
    min_cosine: float = 0.95
    num_neighbours: int = 64
    name: str = "near_duplicates"

    def __post_init__(self) -> None:
        for option, allowed in (("of", tuple(SIDES)), ("keep", KEEP)):
            if getattr(self, option) not in allowed:
                raise ConfigError(must_be_one_of(f"{self.name}.{option}", allowed, getattr(self, option)))
        self._likeness.check(self.name)
        if not 0 < self.min_cosine <= 1:
            raise ConfigError(must_be(f"{self.name}.min_cosine", "above 0, at most 1", self.min_cosine))
        if self.num_neighbours < 1:
            raise ConfigError(must_be(f"{self.name}.num_neighbours", "at least 1", self.num_neighbours))

    @property
    def columns(self) -> AbstractSet[str]:
        """As of `SetStep`."""
        return {*_COLUMN_OF[self.keep], *(() if self.embed else ("length", "minhash", "pictures"))}

    @property
    def _likeness(self) -> Likeness:
        return Likeness(self.threshold, self.picture_threshold, self.max_crop, self.mirrored)

    def judge_set(self, collection: Rows) -> Verdict:
        """Drops rows like one that is kept."""
        verdict, signatures = Verdict(), collection.signatures
        order = np.arange(len(collection))
        if self.keep != "first":
            order = np.argsort(-_BEST[self.keep](signatures), kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        sides = self._sides(collection)
        for row in tracked(order.tolist(), "comparing", "rows"):
            found = self._of_its_kind(find(sides, row), row, signatures)
            if found:
                verdict.drops[row] = Drop("near duplicate", f"of {collection.keys[min(found, key=rank.__getitem__)]}")
            else:
                for finder in (finder for side in sides for finder in side):
                    finder.add(row)
        return verdict

    def _sides(self, collection: Rows) -> list[list[Finder]]:
        if self.embed is not None:
            both = collection.embeddings(self.embed)
            return [[NearEmbeddings([both[side] for side in SIDES[self.of]], self.min_cosine, self.num_neighbours)]]
        return [side_finders(collection.signatures, side, self._likeness, partial(collection.text, side=side)) for side in SIDES[self.of]]

    @staticmethod
    def _of_its_kind(found: Collection[int], row: int, signatures: Signatures) -> list[int]:
        return [other for other in found if (signatures.modality[other] == signatures.modality[row]).all()]
