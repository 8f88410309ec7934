"""Classification: a video, and the names of classes as they are spelt, `ride_bike`, without instruction.

    HMDB51, UCF101, K700, Breakfast   video_id, pos_text             against all classes
    SmthSmthV2                        video_id, pos_text, neg_text   its first 1000 rows, each against its own options, neg_text

All classes are those that the rows name, and then the rest of the published list, so that a name that is spelt otherwise in the rows is one
more class there; here that is told.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from unite.embedding.lazy import FileContent
from unite.errors import ConfigError, first_of, must_be_one_of
from unite.evaluation.layouts.mmeb_v2.rows import Asked, VideoTask, name_of, text_of, texts_of, written
from unite.evaluation.layouts.source import BenchmarkFiles

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class VideoLabels(VideoTask):
    """A video to one of all classes.

    Attributes:
        labels: whose classes they are, by the name of the list in `labels.json`.
    """

    labels: str
    columns: ClassVar[tuple[str, ...]] = ("video_id", "pos_text")

    def __post_init__(self) -> None:
        if self.labels not in label_lists():
            raise ConfigError(must_be_one_of("labels of a VideoLabels task", label_lists(), self.labels))

    def ask(self, files: BenchmarkFiles, row: Mapping[str, Any], where: str) -> Asked:
        """As of `VideoTask`."""
        label = text_of(files, row, "pos_text", where)
        video, query = _video(self, files, row, where)
        return Asked(query, {label: written("", label)}, (label,), video)

    def candidates(self, named: Mapping[str, FileContent]) -> Mapping[str, FileContent]:
        """The labels of the rows, then those of the list that no row has."""
        published = label_lists()[self.labels]
        others = [label for label in named if label not in published]
        if others:
            _log.warning("%s: labels that are not on the published list are classes of their own: %s.", self.stem, first_of(others))
        return {**named, **{label: written("", label) for label in published if label not in named}}


@dataclass(frozen=True, kw_only=True)
class VideoOptions(VideoTask):
    """A video to one of its own options."""

    columns: ClassVar[tuple[str, ...]] = ("video_id", "pos_text", "neg_text")
    is_local: ClassVar[bool] = True

    def ask(self, files: BenchmarkFiles, row: Mapping[str, Any], where: str) -> Asked:
        """As of `VideoTask`."""
        label, options = text_of(files, row, "pos_text", where), texts_of(files, row, "neg_text", where)
        if label not in options:
            raise files.broken(f"pos_text in {where}", f"one of its options, {first_of(options)}", label)
        video, query = _video(self, files, row, where)
        return Asked(query, {option: written("", option) for option in options}, (label,), video)


@cache
def label_lists() -> dict[str, list[str]]:
    """Returns the published lists of classes."""
    lists: dict[str, list[str]] = json.loads(Path(__file__).with_name("labels.json").read_text(encoding="utf-8"))
    return lists


def _video(task: VideoTask, files: BenchmarkFiles, row: Mapping[str, Any], where: str) -> tuple[str, FileContent]:
    """Returns the id of a row's video, and the query that it is."""
    video = name_of(files, row, "video_id", where)
    return video, written(task.query_instruction, "", task.video(files, video))
