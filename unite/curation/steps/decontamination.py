"""Leaves out rows that show or tell what an evaluation task asks for, so that its numbers mean what they say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import numpy as np

from unite.config.schema.media import MediaPolicy
from unite.curation.near_matches import Likeness, NearPictures
from unite.curation.near_texts import NearTexts
from unite.curation.steps.step import Collection, Drop, Verdict
from unite.curation.task_contents import TaskContents, check_tasks, contents_named, own_number
from unite.data.rows import StoredContent
from unite.errors import ConfigError, must_be
from unite.progress import tracked
from unite.types import Modality

#: A row, what of it leaks, and the name of what that is like.
_Leak = tuple[int, str, str]
_COLUMNS = frozenset({"exact", "text", "length", "minhash", "pictures"})


@dataclass(frozen=True)
class Decontamination:
    """Compares both sides of every row with the queries and candidates of evaluation tasks.

    A row is left out if it is a pair of a task, in either direction: a query and a right answer, however short. One side is enough where
    its text is like one of the tasks, or any of its pictures is. A side that is nothing but a short text has to be equal to such a one, and
    rare in the set: the name of a class that hundreds of rows have for their answer is no leak.

    Attributes:
        tasks: folders written by `unite.data.tasks.write_task`.
        threshold, picture_threshold, max_crop, mirrored: when texts and pictures are alike, see `Likeness`.
        min_characters: a shorter text is short.
        max_short_rows: a short text that more rows hold is no leak by itself; 0 compares pairs alone.
        media: how pictures were made ready; the tasks' are brought to the same.
    """

    tasks: Sequence[str]
    threshold: float = 0.8
    picture_threshold: float = 0.92
    max_crop: float = 0.1
    mirrored: bool = True
    min_characters: int = 20
    max_short_rows: int = 10
    media: MediaPolicy = field(default_factory=MediaPolicy)
    name: str = "decontamination"

    def __post_init__(self) -> None:
        self._likeness.check(self.name)
        if self.max_short_rows < 0:
            raise ConfigError(must_be(f"{self.name}.max_short_rows", "at least 0", self.max_short_rows))
        check_tasks(self.name, self.tasks)

    @property
    def columns(self) -> AbstractSet[str]:
        """As of `SetStep`."""
        return _COLUMNS

    @property
    def _likeness(self) -> Likeness:
        return Likeness(self.threshold, self.picture_threshold, self.max_crop, self.mirrored)

    def judge_set(self, collection: Collection) -> Verdict:
        """Drops rows like a task's content, and names it."""
        contents = TaskContents(self.tasks, self.media)
        finders = [self._pairs, self._pictures, self._texts, self._short_texts]
        verdict = Verdict()
        for finder in finders:  # the surest first
            for row, what, like in finder(collection, contents):
                verdict.drops.setdefault(row, Drop(f"{what} in an evaluation task", f"like {like}", like=like))
        return verdict

    def named(self, names: Container[str]) -> dict[str, tuple[StoredContent, ...]]:
        """Returns the tasks' contents of some names, those in `Drop.like`."""
        return contents_named(self.tasks, names)

    def _pairs(self, collection: Collection, contents: TaskContents) -> Iterator[_Leak]:
        for row, (query, positive) in enumerate(own_number(collection.signatures).tolist()):
            like = contents.pairs.get((min(query, positive), max(query, positive)))
            if like is not None:
                yield row, "pair", like

    def _pictures(self, collection: Collection, contents: TaskContents) -> Iterator[_Leak]:
        known, signatures = contents.signatures, collection.signatures
        of_known = known.pictures[known.places(np.arange(len(known)), [0])]
        num = np.concatenate([known.num_pictures[:, 0], signatures.num_pictures.ravel()])
        index = NearPictures(num, np.concatenate([of_known, signatures.pictures]), self._likeness.rule, len(known))
        for entry in range(len(known)):
            index.add(entry)
        for entry in tracked(range(len(known), len(num)), "comparing pictures", "sides"):
            found = index.any_like(entry)
            if found:
                yield (entry - len(known)) // 2, "picture", contents.names[min(found)]

    def _texts(self, collection: Collection, contents: TaskContents) -> Iterator[_Leak]:
        known, signatures = contents.signatures, collection.signatures
        length = np.concatenate([known.length[:, 0], signatures.length.ravel()])
        minhash = np.concatenate([known.minhash[:, 0], signatures.minhash.reshape(-1, signatures.minhash.shape[2])])

        def text(entry: int) -> str:
            row = entry - len(known)
            return contents.texts[entry] if row < 0 else collection.text(row // 2, row % 2)

        index = NearTexts(minhash, length >= max(self.min_characters, 1), text, self.threshold)
        for entry in filter(index.has, range(len(known))):
            index.add(entry)
        for entry in tracked(range(len(known), len(length)), "comparing texts", "sides"):
            found = index.alike(entry, index.candidates(entry)) if index.has(entry) else []
            if found:
                yield (entry - len(known)) // 2, "text", contents.names[min(found)]

    def _short_texts(self, collection: Collection, contents: TaskContents) -> Iterator[_Leak]:
        signatures = collection.signatures
        short = (signatures.modality == Modality.TEXT.value) & (signatures.length < self.min_characters)
        texts = np.where(short, signatures.text, 0)
        texts[texts[:, 0] == texts[:, 1], 1] = 0  # a row holds it once
        held = Counter(texts[texts != 0].tolist())
        for row, sides in enumerate(texts.tolist()):
            for text in sides:
                if 0 < held.get(text, 0) <= self.max_short_rows and text in contents.by_text:
                    yield row, "text", contents.names[contents.by_text[text]]
