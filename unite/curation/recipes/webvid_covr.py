"""WebVid-CoVR: composed video retrieval, one CSV: a video and how it is to be changed, to the changed video.

    txt1, txt2          captions of the two videos
    edit                what to change
    pth1, pth2          the videos, `page_dir/videoid` without the suffix
    scores              (in training) similarities of frames; kept as metadata

Read in the authors' loader (lucas-ventura/CoVR), which looks for `<pth>.mp4` under the folder of videos.
"""

from __future__ import annotations

from pathlib import Path

from unite.curation.raw import RawRow
from unite.curation.recipes.lines import Record
from unite.curation.recipes.tabular_recipe import TabularRecipe, content, needed, rest_of
from unite.types import INSTRUCTION_PLACE, Modality, escape_places

_COLUMNS = ("txt1", "txt2", "edit", "pth1", "pth2")


class WebvidCovr(TabularRecipe):
    """Rows from WebVid-CoVR's CSV: video and edit text to video.

    Args:
        name, annotations, licence, media_root: as in `TabularRecipe`.
        suffix: of the video files.
        instruction: of the query.
    """

    def __init__(
        self,
        name: str,
        annotations: str | Path,
        *,
        suffix: str = ".mp4",
        instruction: str = "",
        licence: str = "",
        media_root: str | Path = "",
    ) -> None:
        super().__init__(name, annotations, columns=[("", column) for column in _COLUMNS], licence=licence, media_root=media_root)
        self.suffix = suffix
        self.instruction = instruction

    def row(self, key: str, record: Record) -> RawRow:
        """Video 1 and the edit, to video 2; the rows of one target share a group."""
        before, after = (self.medium(Modality.VIDEO, self.file_in(record, column, self.suffix)) for column in ("pth1", "pth2"))
        asked = f"{INSTRUCTION_PLACE}\n" if self.instruction else ""  # after the video, as in MMEB's texts
        text = f"{Modality.VIDEO.place}\n{asked}{escape_places(needed(record, 'edit'))}"
        query = content(text, before, instruction=self.instruction, has_places=True)
        target = content("", after, group=f"{self.name}/{record['pth2']}")
        metadata = rest_of(record, ("edit", "pth1", "pth2"))
        return RawRow(key, query, (target,), licence=self.licence, metadata=metadata)
