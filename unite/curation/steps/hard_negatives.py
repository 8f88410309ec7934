"""Mines hard negatives: for each query, other rows' positives that an encoder ranks high and that are not right answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from unite.curation.steps.neighbours import nearest
from unite.curation.steps.step import Collection, Embed, Verdict
from unite.errors import ConfigError, must_be
from unite.progress import tracked


@dataclass(frozen=True)
class HardNegatives:
    """Takes negatives from a window of ranks, below a margin, and never a positive or what looks like one.

    Candidates are the first positives of all rows, of the modality of the query's own. Left out are those equal to the row's positive,
    those that another row with an equal query has as its positive, those of one of the row's groups, and those more like the row's positive
    than `max_positive_cosine`: probable right answers. The margin is that of NV-Retriever ("TopK-PercPos", arXiv 2407.15831): a candidate
    that scores above `max_share_of_positive` of the positive's own score is taken for a false negative.

    Attributes:
        embed: as in `Similarity`.
        num_negatives: for each row, at most; the hardest first.
        first_rank, last_rank: the window, counted from 1 among candidates that are no right answers.
        max_share_of_positive: of the positive's cosine that a negative's may reach.
        max_positive_cosine: between a negative and the row's own positive.
    """

    embed: Embed
    num_negatives: int = 4
    first_rank: int = 1
    last_rank: int = 100
    max_share_of_positive: float = 0.95
    max_positive_cosine: float = 0.95
    columns: ClassVar[frozenset[str]] = frozenset({"exact"})
    name: str = "hard_negatives"

    def __post_init__(self) -> None:
        if self.num_negatives < 1:
            raise ConfigError(must_be(f"{self.name}.num_negatives", "at least 1", self.num_negatives))
        if not 1 <= self.first_rank <= self.last_rank:
            raise ConfigError(must_be(f"{self.name}.first_rank", f"from 1 to last_rank ({self.last_rank})", self.first_rank))
        for name in ("max_share_of_positive", "max_positive_cosine"):
            if not 0 < getattr(self, name) <= 1:
                raise ConfigError(must_be(f"{self.name}.{name}", "above 0, at most 1", getattr(self, name)))

    def judge_set(self, collection: Collection) -> Verdict:
        """Gives each row the rows whose positives are its negatives; fewer than asked for where there are no more."""
        queries, positives = collection.embeddings(self.embed)
        exact, group = collection.signatures.exact, collection.signatures.group
        answers: dict[int, set[int]] = {}
        for query, positive in exact.tolist():
            answers.setdefault(query, set()).add(positive)
        verdict = Verdict()
        for modality in np.unique(collection.signatures.modality[:, 1]).tolist():
            rows = np.flatnonzero(collection.signatures.modality[:, 1] == modality)
            # Equal positives are one candidate, the first.
            pool = rows[np.sort(np.unique(exact[rows, 1], return_index=True)[1])]
            alike = int(np.unique(group[pool, 1][group[pool, 1] != 0], return_counts=True)[1].max(initial=0))
            most = max(len(answers[query]) for query in exact[rows, 0].tolist())
            # Right answers take places in the ranking: look as much further.
            scores, near = nearest(queries[rows], positives[pool], self.last_rank + most + alike)
            for place, row in enumerate(tracked(rows.tolist(), "choosing negatives", "rows")):
                own = float(queries[row] @ positives[row])
                ranked = ((int(pool[one]), float(score)) for one, score in zip(near[place], scores[place], strict=True))
                right, groups = answers[int(exact[row, 0])], set(group[row].tolist()) - {0}
                wrong = (pair for pair in ranked if int(exact[pair[0], 1]) not in right and int(group[pair[0], 1]) not in groups)
                window = [pair for rank, pair in enumerate(wrong, 1) if self.first_rank <= rank <= self.last_rank]
                like = positives[[one for one, _ in window]] @ positives[row] if window else []
                found = list(self._within_margin(window, own, np.asarray(like)))[: self.num_negatives]
                if found:
                    verdict.negatives[row] = found
        return verdict

    def _within_margin(
        self, window: list[tuple[int, float]], own: float, like: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
    ) -> Iterator[int]:
        for (row, score), cosine in zip(window, like.tolist(), strict=True):
            if score <= self.max_share_of_positive * own and cosine <= self.max_positive_cosine:
                yield row
