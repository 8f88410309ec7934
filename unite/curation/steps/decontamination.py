"""Leaves out rows that show or tell what an evaluation task asks for, so that its numbers mean what they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from unite.config.schema.media import MediaPolicy
from unite.curation.loaded import LoadedContent, medium_loader
from unite.curation.near_matches import SimilarIndex
from unite.curation.raw import RawContent
from unite.curation.signatures import SideSignature, Signatures, sign_side
from unite.curation.steps.step import Collection, Drop, Verdict
from unite.data.rows import StoredContent
from unite.data.tasks import read_task
from unite.errors import ConfigError, must_be
from unite.media.ready import RawMedium
from unite.progress import tracked


@dataclass(frozen=True)
class Decontamination:
    """Compares both sides of every row with the queries and candidates of evaluation tasks.

    A text that is like one, or any picture that is like one, is enough. Short texts are not compared: a class name is in every caption.

    Attributes:
        tasks: folders written by `unite.data.tasks.write_task`.
        threshold, max_distance: as in `SimilarIndex`.
        min_characters: of texts that are compared.
        media: how pictures were made ready; the tasks' are brought to the same.
    """

    tasks: Sequence[str]
    threshold: float = 0.8
    max_distance: int = 4
    min_characters: int = 20
    media: MediaPolicy = field(default_factory=MediaPolicy)
    name: str = "decontamination"

    def __post_init__(self) -> None:
        SimilarIndex(self.threshold, self.max_distance, self.name)
        if not self.tasks:
            raise ConfigError(
                must_be(f"{self.name}.tasks", "at least one task folder", "empty", "Leave the step out to compare with none.")
            )
        for task in self.tasks:
            if not (Path(task) / "task.json").is_file():
                raise ConfigError(must_be(f"{self.name}.tasks", "folders with a task.json", str(task), "Build or copy the task first."))

    def judge_set(self, collection: Collection) -> Verdict:
        """Drops rows like a task's content, and names it."""
        names = [name for name, _ in self._contents()]
        known = Signatures.of([(side, side) for side in self._sides()])
        index = SimilarIndex(self.threshold, self.max_distance, self.name)
        for entry in range(len(known)):
            index.add(entry, known, entry, 0)
        verdict, signatures = Verdict(), collection.signatures
        for row in tracked(range(len(collection)), "comparing", "rows"):
            for side in (0, 1):
                pictures = index.pictures_like(signatures, row, side, least=1)
                long = signatures.length[row, side] >= self.min_characters
                texts = index.texts_like(signatures, row, side) if long else set()
                if pictures or texts:
                    reason = "picture in an evaluation task" if pictures else "text in an evaluation task"
                    verdict.drops[row] = Drop(reason, f"like {names[min(pictures or texts)]}")
                    break
        return verdict

    def _contents(self) -> Iterator[tuple[str, StoredContent]]:
        for folder in self.tasks:
            task = read_task(folder)
            for side, reader in (("query", task.queries), ("candidate", task.candidates)):
                for row in reader:
                    yield f"{side} {row.key} of {task.name}", row.query

    def _sides(self) -> Iterator[SideSignature]:
        load = medium_loader(self.media)
        for _, stored in tracked(self._contents(), "reading the tasks", "contents"):
            content = LoadedContent(RawContent(stored.text, tuple(RawMedium(one.modality, data=one.data) for one in stored.media)), load)
            yield sign_side([content.store()], content.greys())
