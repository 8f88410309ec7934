"""What most benchmarks are: media with captions, asked in both directions.

M media, T captions, one or more a medium. `text_to_image`: (T,) queries, each with one right answer among (M,) candidates.
`image_to_text`: (M,) queries, each with all its captions right among (T,) candidates.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from unite.config.schema.media import Decoding
from unite.embedding.lazy import FileContent, FileContents
from unite.errors import ConfigError, must_be_one_of
from unite.evaluation.layouts.source import BenchmarkFiles
from unite.evaluation.tasks import RetrievalTask
from unite.types import Modality, escape_places


@dataclass(frozen=True)
class Captioned:
    """An image or video of a benchmark with its captions.

    Attributes:
        key: its id, unique in the benchmark.
        path: the file.
        captions: at least one, none empty.
    """

    key: str
    path: Path
    captions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class CaptionBenchmark(ABC):
    """Base of the layouts that hold media with captions; a subclass says how they are read.

    Attributes:
        folder: where the benchmark lies, relative to the suite's `data_root`.
        direction: `text_to_image` or `image_to_text`; `text_to_video` or `video_to_text` where the media are videos.
        query_instruction, candidate_instruction: of every query, of every candidate.
        metrics: by default hit@1, hit@5 and hit@10. The field calls them R@k: a query that finds one of its several captions counts 1,
            and with one right answer they equal recall@k.
    """

    folder: str
    direction: str
    query_instruction: str = ""
    candidate_instruction: str = ""
    metrics: tuple[str, ...] = ("hit@1", "hit@5", "hit@10")
    #: What the media are.
    modality: ClassVar[Modality] = Modality.IMAGE

    def __post_init__(self) -> None:
        directions = (f"text_to_{self.modality}", f"{self.modality}_to_text")
        if self.direction not in directions:
            raise ConfigError(must_be_one_of(f"the direction of a {type(self).__name__} task", directions, self.direction))

    @property
    @abstractmethod
    def wanted(self) -> str:
        """What to put into the folder, one sentence."""

    @abstractmethod
    def read(self, files: BenchmarkFiles) -> Iterable[Captioned]:
        """Yields the media of the benchmark in its order. Raises DataError if what is there is not in the layout."""

    def load(self, name: str, data_root: Path, decoding: Decoding) -> RetrievalTask:
        """As of `unite.evaluation.layouts.source.TaskSource`."""
        files = BenchmarkFiles(name, data_root / self.folder, self.wanted)
        captioned = list(self.read(files))
        files.check(one.path for one in captioned)
        from_text = self.direction.startswith("text_to_")
        instructions = [escape_places(one) for one in (self.query_instruction, self.candidate_instruction)]
        text_instruction, medium_instruction = instructions if from_text else instructions[::-1]
        media = {one.key: FileContent(media=((self.modality, one.path),), instruction=medium_instruction) for one in captioned}
        texts: dict[str, FileContent] = {}
        relevance: dict[str, dict[str, int]] = {}
        for one in captioned:
            for at, caption in enumerate(one.captions):
                text = f"{one.key}#{at}"
                texts[text] = FileContent(escape_places(caption), instruction=text_instruction)
                query, right = (text, one.key) if from_text else (one.key, text)
                relevance.setdefault(query, {})[right] = 1
        if len(media) != len(captioned) or not captioned:
            actual = f"{len(captioned)} rows and {len(media)} different ones"
            raise files.broken("the images or videos", "at least one, each there once", actual, "Remove the rows that repeat one.")
        sides = [(texts, Modality.TEXT), (media, self.modality)]
        return task_of(name, *(sides if from_text else sides[::-1]), relevance=relevance, metrics=tuple(self.metrics), decoding=decoding)


def task_of(
    name: str,
    queries: tuple[Mapping[str, FileContent], Modality],
    candidates: tuple[Mapping[str, FileContent], Modality],
    *,
    relevance: Mapping[str, Mapping[str, int]],
    metrics: tuple[str, ...],
    decoding: Decoding,
    pools: Mapping[str, list[str]] | None = None,
    ties: str = "trec_eval",
) -> RetrievalTask:
    """Returns a task whose media are files.

    Args:
        name: of the task.
        queries, candidates: contents by id, and what they are made of.
        relevance, metrics, pools, ties: as in `RetrievalTask`.
        decoding: of the media.
    """
    ids = [list(side) for side, _ in (queries, candidates)]
    contents = [FileContents(list(side.values()), [f"{one} of task {name}" for one in side], decoding) for side, _ in (queries, candidates)]
    return RetrievalTask(
        name=name,
        query_ids=ids[0],
        queries=contents[0],
        candidate_ids=ids[1],
        candidates=contents[1],
        relevance=relevance,
        query_modality=queries[1],
        candidate_modality=candidates[1],
        pools=pools,
        metrics=metrics,
        ties=ties,
    )


def modality_of_all(contents: Mapping[str, FileContent]) -> Modality:
    """Returns what contents are made of, all together: a few of a task may lack the text, or the medium, that the others have."""
    modality = Modality(0)
    for one in contents.values():
        modality |= one.modality
    return modality


def field_of(files: BenchmarkFiles, row: Any, name: str, where: str) -> Any:
    """Returns a field of a row. Raises DataError, which lists what the row has, if it is missing or empty."""
    if not isinstance(row, dict):
        raise files.broken(where, "an object with named fields", type(row).__name__)
    if not row.get(name):
        actual = "empty" if name in row else f"not among {', '.join(map(str, row)) or 'no fields'}"
        raise files.broken(f"the field {name!r} in {where}", "there and not empty", actual)
    return row[name]


def text_field(files: BenchmarkFiles, row: Any, name: str, where: str) -> str:
    """Returns a field that is a text. Raises DataError as `field_of`, and if it is blank, or something else that would be written out."""
    value = field_of(files, row, name, where)
    if not isinstance(value, str) or not value.strip():
        raise files.broken(f"the field {name!r} in {where}", "a text, not blank", repr(value)[:80])
    return value


def list_field(files: BenchmarkFiles, row: Any, name: str, where: str) -> list[Any]:
    """Returns a field that is a list. Raises DataError as `field_of`, and if it is none."""
    value = field_of(files, row, name, where)
    if not isinstance(value, list):
        raise files.broken(f"the field {name!r} in {where}", "a list", repr(value)[:80])
    return value
