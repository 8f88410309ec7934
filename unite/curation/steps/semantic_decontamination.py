"""Leaves out rows that an encoder finds the same as what an evaluation task asks for: in other words, from another side."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from unite.curation.steps.neighbours import nearest
from unite.curation.steps.step import Collection, Drop, Embed, Verdict
from unite.curation.task_contents import check_tasks, contents_named, contents_of
from unite.data.rows import StoredContent
from unite.data.tasks import read_task
from unite.errors import ConfigError, must_be


@dataclass(frozen=True)
class SemanticDecontamination:
    """Compares both sides of every row with the queries and candidates of its modality; beside `Decontamination`, which knows copies.

    Attributes:
        tasks: folders written by `unite.data.tasks.write_task`.
        embed: as in `Similarity`.
        min_cosine: from which a side is the same as a content of a task.
    """

    tasks: Sequence[str]
    embed: Embed
    min_cosine: float = 0.95
    columns: ClassVar[frozenset[str]] = frozenset()
    name: str = "semantic_decontamination"

    def __post_init__(self) -> None:
        check_tasks(self.name, self.tasks)
        if not 0 < self.min_cosine <= 1:
            raise ConfigError(must_be(f"{self.name}.min_cosine", "above 0, at most 1", self.min_cosine))

    def judge_set(self, collection: Collection) -> Verdict:
        """Drops rows near to a task's content, and names it."""
        tasks = [read_task(task) for task in self.tasks]
        names, modalities = [], []
        for number, what, key, stored in contents_of(tasks):
            names.append(f"{what} {key} of {tasks[number].name}")
            modalities.append(stored.modality.value)
        known = np.asarray(self.embed(stored for *_, stored in contents_of(tasks)), np.float32)
        verdict, of_known, of_rows = Verdict(), np.array(modalities), collection.signatures.modality
        for side, embeddings in enumerate(collection.embeddings(self.embed)):
            for modality in np.intersect1d(of_rows[:, side], of_known).tolist():
                rows, there = np.flatnonzero(of_rows[:, side] == modality), np.flatnonzero(of_known == modality)
                cosines, places = nearest(embeddings[rows], known[there], 1)
                for at in np.flatnonzero(cosines[:, 0] >= self.min_cosine).tolist():
                    name, cosine = names[int(there[places[at, 0]])], cosines[at, 0]
                    drop = Drop("the same as in an evaluation task", f"like {name}, cosine {cosine:.3f}", like=name)
                    verdict.drops.setdefault(int(rows[at]), drop)
        return verdict

    def named(self, names: Container[str]) -> dict[str, tuple[StoredContent, ...]]:
        """Returns the tasks' contents of some names, those in `Drop.like`."""
        return contents_named(self.tasks, names)
