"""Moment retrieval: which of its own clips a row means.

    QVHighlight, Charades-STA   query, video_path                                    <stem of video_path>/{query,positive...,...}/*.jpg
    MomentSeeker                query, input_frames, positive_frames, negative_frames

A query of the former is the whole video with a text. Of MomentSeeker some are a text alone, some have a picture, some a video; several
clips may be right, and any of them first is a hit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from unite.embedding.lazy import FileContent
from unite.evaluation.layouts.mmeb_v2.rows import Asked, VideoTask, text_of, written
from unite.evaluation.layouts.source import BenchmarkFiles
from unite.media.video.frame_folder import in_order
from unite.types import Modality


@dataclass(frozen=True, kw_only=True)
class ClipFolders(VideoTask):
    """QVHighlight and Charades-STA: the candidates are the folders beside `query`, in the order of their names.

    The published code takes them as the file system lists them, on which the first of equal scores depends.
    """

    columns: ClassVar[tuple[str, ...]] = ("query", "video_path")
    is_local: ClassVar[bool] = True

    def ask(self, files: BenchmarkFiles, row: Mapping[str, Any], where: str) -> Asked:
        """As of `VideoTask`."""
        stem = PurePosixPath(text_of(files, row, "video_path", where)).stem
        modality, whole = self.video(files, f"{stem}/query")
        others = (path for path in whole.parent.glob("*/") if path.name != "query" and not path.name.startswith("."))
        clips = sorted(others, key=lambda path: in_order(path.name))
        right = [clip for clip in clips if clip.name.startswith("positive")]
        if len(right) > 1:
            raise files.broken(f"the clips of {where} in {whole.parent}", "one of them named positive...", [clip.name for clip in right])
        if not right:  # told as missing with the others
            right = [whole.parent / "positive"]
            clips = [*clips, *right]
        query = written(self.query_instruction, text_of(files, row, "query", where), (modality, whole))
        options = {f"{stem}/{clip.name}": written(self.candidate_instruction, "", (modality, clip)) for clip in clips}
        return Asked(query, options, (f"{stem}/{right[0].name}",))


@dataclass(frozen=True, kw_only=True)
class MomentSeeker(VideoTask):
    """MomentSeeker.

    Attributes:
        query_instruction: of a text alone.
        image_instruction, video_instruction: of a text with a picture, with a video.
    """

    image_instruction: str
    video_instruction: str
    columns: ClassVar[tuple[str, ...]] = ("query", "input_frames", "positive_frames", "negative_frames")
    is_local: ClassVar[bool] = True

    def ask(self, files: BenchmarkFiles, row: Mapping[str, Any], where: str) -> Asked:
        """As of `VideoTask`."""
        positive, negative = (_clips(files, row, column, where) for column in ("positive_frames", "negative_frames"))
        if not positive:
            raise files.broken(f"positive_frames in {where}", "at least one clip", "empty")
        options = {name: written(self.candidate_instruction, "", self.video(files, f"video_frames/{name}")) for name in positive + negative}
        return Asked(self._query(files, row, where), options, tuple(dict.fromkeys(positive)))

    def _query(self, files: BenchmarkFiles, row: Mapping[str, Any], where: str) -> FileContent:
        text, shown = text_of(files, row, "query", where), row["input_frames"] or ""
        if not isinstance(shown, str):
            raise files.broken(f"input_frames in {where}", "a path, or empty", repr(shown))
        if shown.endswith(".mp4"):
            return written(self.video_instruction, text, self.video(files, f"video_frames/{_folder(shown)}"))
        if shown.endswith(".jpg"):
            picture: Path = files.folder / "frames" / self.frames / f"query_{shown}"
            return written(self.image_instruction, text, (Modality.IMAGE, picture))
        return written(self.query_instruction, text)


def _clips(files: BenchmarkFiles, row: Mapping[str, Any], column: str, where: str) -> list[str]:
    """Returns the folders of the clips that a row lists."""
    listed = row[column] or []
    if not isinstance(listed, list) or not all(isinstance(clip, dict) and isinstance(clip.get("output_path"), str) for clip in listed):
        raise files.broken(f"{column} in {where}", "a list of clips with an output_path each", repr(listed))
    return [_folder(clip["output_path"]) for clip in listed]


def _folder(path: str) -> str:
    """Returns the folder of a video's frames: `movie/3.mp4` has `movie_3`."""
    return path.split(".mp4")[0].replace("/", "_")
