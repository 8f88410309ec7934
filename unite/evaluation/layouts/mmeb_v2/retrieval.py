"""Retrieval: a caption to its video, among the videos of all rows.

    MSR-VTT    video_id, caption            MSVD   video_id, caption (a list)     DiDeMo     video (a path), caption
    VATEX      videoID, enCap (a list)                                            YouCook2   id, sentence

Of a list of captions the first is asked. A video that several rows name is one candidate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from unite.evaluation.layouts.mmeb_v2.rows import Asked, VideoTask, name_of, value_of, written
from unite.evaluation.layouts.source import BenchmarkFiles


@dataclass(frozen=True, kw_only=True)
class VideoCaption(VideoTask):
    """A caption to a video.

    Attributes:
        video: the column that names the video, and its folder of frames.
        caption: the column of the caption, or of a list of them.
        is_path: whether the video is named by a path, whose stem is the folder.
    """

    video_column: str
    caption_column: str
    is_path: bool = False

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # each data set's own
        """What a row must have."""
        return self.video_column, self.caption_column

    def ask(self, files: BenchmarkFiles, row: Mapping[str, Any], where: str) -> Asked:
        """As of `VideoTask`."""
        name, captions = name_of(files, row, self.video_column, where), value_of(files, row, self.caption_column, where)
        caption = captions[0] if isinstance(captions, list) else captions
        if not isinstance(caption, str) or not caption.strip():
            raise files.broken(f"{self.caption_column} in {where}", "a text, or a list that begins with one", repr(captions))
        name = PurePosixPath(name).stem if self.is_path else name
        video = written(self.candidate_instruction, "", self.video(files, name))
        return Asked(written(self.query_instruction, caption), {name: video}, (name,))
