"""Leaves out rows that an encoder finds the same: the same scene taken twice, the same thing in other words.

As in SemDeDup (Abbas et al., arXiv 2303.09540), but a row is compared with its nearest neighbours, not within clusters, and
the best is kept.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from unite.curation.steps.exact_duplicates import SIDES
from unite.curation.steps.near_duplicates import check_choices, columns_to_keep, keep_best
from unite.curation.steps.neighbours import NearEmbeddings
from unite.curation.steps.step import Collection, Embed, Verdict
from unite.errors import ConfigError, must_be


@dataclass(frozen=True)
class SemanticDuplicates:
    """Keeps the best of rows that are alike, as `NearDuplicates` does, by the cosine of embeddings.

    Attributes:
        embed: as in `Similarity`.
        of, keep: as in `NearDuplicates`.
        min_cosine: from which two embeddings are alike.
        num_neighbours: how many of a row's nearest are looked at.
    """

    embed: Embed
    of: str = "row"
    keep: str = "first"
    min_cosine: float = 0.95
    num_neighbours: int = 64
    name: str = "semantic_duplicates"

    def __post_init__(self) -> None:
        check_choices(self.name, self.of, self.keep)
        if not 0 < self.min_cosine <= 1:
            raise ConfigError(must_be(f"{self.name}.min_cosine", "above 0, at most 1", self.min_cosine))
        if self.num_neighbours < 1:
            raise ConfigError(must_be(f"{self.name}.num_neighbours", "at least 1", self.num_neighbours))

    @property
    def columns(self) -> AbstractSet[str]:
        """As of `SetStep`."""
        return columns_to_keep(self.keep)

    def judge_set(self, collection: Collection) -> Verdict:
        """Drops rows like one that is kept."""
        both = collection.embeddings(self.embed)
        finder = NearEmbeddings([both[side] for side in SIDES[self.of]], self.min_cosine, self.num_neighbours)
        return keep_best(collection, [[finder]], self.keep)
