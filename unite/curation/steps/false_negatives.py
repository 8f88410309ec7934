"""Groups rows whose positives mean the same, so that a batch never takes one for the other's negative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from unite.curation.steps.neighbours import nearest
from unite.curation.steps.step import Collection, Embed, Verdict
from unite.errors import ConfigError, must_be


@dataclass(frozen=True)
class FalseNegatives:
    """Clusters positives of one modality by cosine; each cluster of two or more becomes a `group`.

    A row joins the first earlier one that leads a cluster and is near enough, otherwise it leads one itself: so every member is near its
    leader, and likeness does not chain. At batch 4096, 323 ImageNet rows hold about 52 pairs of one class: each a false negative.

    Attributes:
        embed: as in `Similarity`.
        min_cosine: from which two positives mean the same.
        num_neighbours: how many of a row's nearest are looked at.
    """

    embed: Embed
    min_cosine: float = 0.95
    num_neighbours: int = 64
    columns: ClassVar[frozenset[str]] = frozenset()
    name: str = "false_negatives"

    def __post_init__(self) -> None:
        if not 0 < self.min_cosine <= 1:
            raise ConfigError(must_be(f"{self.name}.min_cosine", "above 0, at most 1", self.min_cosine))
        if self.num_neighbours < 1:
            raise ConfigError(must_be(f"{self.name}.num_neighbours", "at least 1", self.num_neighbours))

    def judge_set(self, collection: Collection) -> Verdict:
        """Gives each cluster's rows a group named after its leader."""
        _, positives = collection.embeddings(self.embed)
        verdict = Verdict()
        for modality in np.unique(collection.signatures.modality[:, 1]).tolist():
            rows = np.flatnonzero(collection.signatures.modality[:, 1] == modality)
            scores, near = nearest(positives[rows], positives[rows], self.num_neighbours + 1)
            leader: dict[int, int] = {}
            for place in range(len(rows)):
                leads = near[place][scores[place] >= self.min_cosine].tolist()
                leader[place] = min((other for other in leads if other < place and leader[other] == other), default=place)
            members = [place for place in leader if leader[place] != place]
            for place in {*members, *(leader[place] for place in members)}:
                verdict.groups[int(rows[place])] = f"{self.name}/{collection.keys[int(rows[leader[place]])]}"
        return verdict
