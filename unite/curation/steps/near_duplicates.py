"""Leaves out rows that are nearly another: texts by MinHash (datasketch), images and frames by perceptual hash (imagehash)."""

from __future__ import annotations

from dataclasses import dataclass

from unite.curation.near_matches import SimilarIndex
from unite.curation.steps.exact_duplicates import SIDES
from unite.curation.steps.step import Collection, Drop, Verdict
from unite.errors import ConfigError, must_be_one_of
from unite.progress import tracked


@dataclass(frozen=True)
class NearDuplicates:
    """Keeps the first of rows that are alike; a row is compared with those kept before it, so likeness does not chain.

    Attributes:
        of: `row` (both sides are alike), `query` or `positive`.
        threshold: Jaccard similarity from which texts are alike, see `SimilarIndex`.
        max_distance: Hamming distance up to which pictures are alike.
    """

    of: str = "row"
    threshold: float = 0.8
    max_distance: int = 4
    name: str = "near_duplicates"

    def __post_init__(self) -> None:
        if self.of not in SIDES:
            raise ConfigError(must_be_one_of(f"{self.name}.of", SIDES, self.of))
        SimilarIndex(self.threshold, self.max_distance, self.name)

    def judge_set(self, collection: Collection) -> Verdict:
        """Drops rows like one that is kept before them."""
        verdict, signatures = Verdict(), collection.signatures
        indices = {side: SimilarIndex(self.threshold, self.max_distance, self.name) for side in SIDES[self.of]}
        for row in tracked(range(len(collection)), "comparing", "rows"):
            found = set.intersection(*(index.like(signatures, row, side) for side, index in indices.items()))
            found = {other for other in found if (signatures.modality[other] == signatures.modality[row]).all()}
            if found:
                verdict.drops[row] = Drop("near duplicate", f"of {collection.keys[min(found)]}")
            else:
                for side, index in indices.items():
                    index.add(row, signatures, row, side)
        return verdict
