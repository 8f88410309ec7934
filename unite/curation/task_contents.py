"""The queries and candidates of evaluation tasks, as curation compares them with rows."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unite.config.schema.media import MediaPolicy
from unite.curation.loaded import LoadedContent, medium_loader
from unite.curation.raw import RawContent
from unite.curation.signatures import SideSignature, Signatures, normalise, sign_side
from unite.data.rows import StoredContent
from unite.data.tasks import StoredTask, read_task
from unite.errors import ConfigError, must_be
from unite.media.ready import RawMedium
from unite.progress import tracked
from unite.types import Modality


class TaskContents:
    """All queries and candidates of some tasks, one after the other.

    Args:
        tasks: folders of `unite.data.tasks`.
        media: how the set's pictures are made ready; the tasks' are brought to the same.

    Attributes:
        names: of each, for whoever is told.
        texts: of each, normalised.
        signatures: of each, on both sides.
        pairs: the numbers of equal contents (see `own_number`) of each query and each of its right answers, the lower first, with a name.
    """

    def __init__(self, tasks: Sequence[str], media: MediaPolicy) -> None:
        read, load = [read_task(task) for task in tasks], medium_loader(media)
        sides: list[tuple[SideSignature, SideSignature]] = []
        self.names: list[str] = []
        self.texts: list[str] = []
        places: dict[tuple[int, str, str], int] = {}
        for number, side, key, stored in tracked(contents_of(read), "reading the tasks", "contents"):
            places[number, side, key] = len(sides)
            self.names.append(f"{side} {key} of {read[number].name}")
            self.texts.append(normalise(stored.text))
            content = LoadedContent(RawContent(stored.text, tuple(RawMedium(one.modality, data=one.data) for one in stored.media)), load)
            signature = sign_side([content.store()], content.looks())
            sides.append((signature, signature))
        self.signatures = Signatures.of(sides)
        own = own_number(self.signatures)[:, 0].tolist()
        self.pairs: dict[tuple[int, int], str] = {}
        for number, task in enumerate(read):
            for query, candidate in _right_answers(task):
                first, second = (own[places[number, side, key]] for side, key in (("query", query), ("candidate", candidate)))
                self.pairs.setdefault((min(first, second), max(first, second)), f"query {query} and candidate {candidate} of {task.name}")

    @cached_property
    def by_text(self) -> dict[int, int]:
        """The first content that is each text and nothing else, by its number in the signatures."""
        texts = np.flatnonzero(self.signatures.modality[:, 0] == Modality.TEXT.value)
        return {int(self.signatures.text[place, 0]): int(place) for place in texts[::-1]}


def check_tasks(name: str, tasks: Sequence[str]) -> None:
    """Raises ConfigError if the tasks of a step are not folders with a task each."""
    if not tasks:
        raise ConfigError(must_be(f"{name}.tasks", "at least one task folder", "empty", "Leave the step out to compare with none."))
    for task in tasks:
        if not (Path(task) / "task.json").is_file():
            raise ConfigError(must_be(f"{name}.tasks", "folders with a task.json", str(task), "Build or copy the task first."))


def contents_of(tasks: Sequence[StoredTask]) -> Iterator[tuple[int, str, str, StoredContent]]:
    """Yields every query and candidate: the number of its task, what it is there, its id and itself."""
    for number, task in enumerate(tasks):
        for side, reader in (("query", task.queries), ("candidate", task.candidates)):
            for row in reader:
                yield number, side, row.key, row.query


def contents_named(tasks: Sequence[str], names: Container[str]) -> dict[str, tuple[StoredContent, ...]]:
    """Returns the contents that `TaskContents` calls by some names: one, or query and candidate of a pair."""
    read = [read_task(task) for task in tasks]
    parts: dict[str, tuple[str, ...]] = {}
    for task in read:
        for query, candidate in _right_answers(task):
            pair = f"query {query} and candidate {candidate} of {task.name}"
            if pair in names:
                parts[pair] = (f"query {query} of {task.name}", f"candidate {candidate} of {task.name}")
    wanted = {name for pair in parts.values() for name in pair}
    found: dict[str, StoredContent] = {}
    for number, side, key, stored in contents_of(read):
        name = f"{side} {key} of {read[number].name}"
        if name in names or name in wanted:
            found[name] = stored
    return {name: (content,) for name, content in found.items()} | {name: tuple(found[one] for one in pair) for name, pair in parts.items()}


def own_number(signatures: Signatures) -> NDArray[np.int64]:
    """Returns (N, 2) what equal contents have in common: of texts that of the first, of others that of all positives together."""
    return np.where(signatures.modality == Modality.TEXT.value, signatures.text, signatures.exact)


def _right_answers(task: StoredTask) -> Iterator[tuple[str, str]]:
    for query, grades in task.relevance.items():
        yield from ((query, candidate) for candidate, grade in grades.items() if grade > 0)
