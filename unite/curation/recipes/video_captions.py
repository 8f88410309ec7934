"""Videos with captions, as JSON Lines (or CSV, JSON, parquet): a path, a caption, and the clip's start and end.

    InternVid       {"YoutubeID", "Start_timestamp", "End_timestamp", "Caption", ...}: times as `00:01:02.345`; clips of long videos
    Tarsier2-Recap  {"video_file", "start_time"?, "end_time"?, ...}: seconds, an end of -1 is the video's

InternVid's page names video id, timestamps, caption and score without their spelling, which is as commonly seen and not verified. Tarsier's
fields were read in its authors' loader, where they are of its evaluation files; Tarsier2-Recap's `metadata.json` was not read: give its
columns by name, a field inside another as `video.video_file`.
"""

from __future__ import annotations

import math
from pathlib import Path

from unite.curation.raw import RawRow
from unite.curation.recipes.image_captions import caption_row, check_direction
from unite.curation.recipes.lines import Record
from unite.curation.recipes.tabular_recipe import TabularRecipe, field_of, needed, rest_of, text_of
from unite.errors import SkippedRowError
from unite.types import Modality


class VideoCaptions(TabularRecipe):
    """Rows from a table with a caption and a video, or a clip of it, in each record.

    Args:
        name, annotations, licence, media_root: as in `TabularRecipe`.
        video, caption: columns; `a.b` is field b of the object in column a.
        start, end: columns of the clip, in seconds or as `h:mm:ss.mmm`; "" where whole videos are meant.
        licence_column: column of the row's own licence, if there is one.
        video_suffix: appended to the path (`.mp4` where the table holds ids).
        direction: `text_to_video` or `video_to_text`.
        instruction: of the query.
    """

    def __init__(
        self,
        name: str,
        annotations: str | Path,
        *,
        video: str = "video",
        caption: str = "caption",
        start: str = "",
        end: str = "",
        licence_column: str = "",
        video_suffix: str = "",
        direction: str = "text_to_video",
        instruction: str = "",
        licence: str = "",
        media_root: str | Path = "",
    ) -> None:
        columns = (("video", video), ("caption", caption), ("start", start), ("end", end), ("licence_column", licence_column))
        super().__init__(name, annotations, columns=columns, licence=licence, media_root=media_root)
        check_direction(name, direction, "video")
        self.video_column, self.caption_column, self.start_column, self.end_column = video, caption, start, end
        self.licence_column = licence_column
        self.video_suffix = video_suffix
        self.direction = direction
        self.instruction = instruction

    def row(self, key: str, record: Record) -> RawRow:
        """Caption and clip, in the direction asked for."""
        columns = (self.video_column, self.caption_column, self.start_column, self.end_column, self.licence_column)
        fields = {column: field_of(record, column) for column in columns if column}
        start, end = _seconds(text_of(fields, self.start_column)), _seconds(text_of(fields, self.end_column))
        if end is not None and end <= (start or 0.0):
            raise SkippedRowError("empty clip", f"it goes from {start} to {end} s")
        video = self.medium(Modality.VIDEO, self.file_in(fields, self.video_column, self.video_suffix), start, end)
        licence = text_of(fields, self.licence_column) or self.licence
        metadata = rest_of(record, fields)
        return caption_row(key, needed(fields, self.caption_column), video, self.direction, self.instruction, licence, metadata)


def _seconds(text: str) -> float | None:
    """Reads seconds or `h:mm:ss.mmm`; nothing and negative numbers mean the video's own bound."""
    if not text:
        return None
    try:
        seconds = 0.0
        for part in text.split(":"):
            seconds = 60 * seconds + float(part)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise SkippedRowError("unreadable record", f"{text!r} is no time")
    return seconds if seconds >= 0 else None
