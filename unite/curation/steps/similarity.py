"""Leaves out the pairs that an encoder finds least alike: captions that tell of something else, broken downloads, placeholders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from unite.curation.steps.step import Collection, Drop, Embed, Verdict
from unite.errors import ConfigError, must_be


@dataclass(frozen=True)
class Similarity:
    """Drops the least aligned share by the cosine of query and first positive, within each modality pair.

    Cosines of different pairs are not to be compared: text with text lies higher than text with image in every encoder.

    Attributes:
        embed: contents to L2-normalised embeddings; any checkpoint.
        share: of the rows of each pair that is left out, 0 up to 1.
        min_cosine: rows below it are left out too.
    """

    embed: Embed
    share: float = 0.1
    min_cosine: float = -1.0
    columns: ClassVar[frozenset[str]] = frozenset()
    name: str = "similarity"

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1:
            raise ConfigError(must_be(f"{self.name}.share", "from 0 to below 1", self.share))
        if not -1 <= self.min_cosine <= 1:
            raise ConfigError(must_be(f"{self.name}.min_cosine", "from -1 to 1", self.min_cosine))

    def judge_set(self, collection: Collection) -> Verdict:
        """Drops floor(share * rows) of each pair; of equal cosines the later row first."""
        queries, positives = collection.embeddings(self.embed)
        cosine = np.einsum("nd,nd->n", queries, positives)
        verdict = Verdict()
        for pair in np.unique(collection.signatures.modality, axis=0):
            rows = np.flatnonzero((collection.signatures.modality == pair).all(axis=1))
            ascending = rows[np.lexsort((-rows, cosine[rows]))]
            below = int((cosine[rows] < self.min_cosine).sum())
            for row in ascending[: max(int(self.share * len(rows)), below)].tolist():
                verdict.drops[row] = Drop("least aligned", f"cosine {cosine[row]:.4f}")
        return verdict
