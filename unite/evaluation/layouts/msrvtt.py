"""MSR-VTT 1k-A: one CSV of 1000 videos with a caption each, the videos in a folder.

    MSRVTT_JSFUSION_test.csv    key,vid_key,video_id,sentence
                                ret0,msr9770,video9770,a person is connecting something to system
    MSRVTT_Videos/video9770.mp4

Columns, suffixes and folder as the loader of ArrowLuo/CLIP4Clip reads them (`video_id`, `sentence`; `.mp4`, else `.webm`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from unite.evaluation.layouts.captions import CaptionBenchmark, Captioned
from unite.evaluation.layouts.source import BenchmarkFiles
from unite.evaluation.layouts.tables import read_csv
from unite.types import Modality


@dataclass(frozen=True, kw_only=True)
class Msrvtt(CaptionBenchmark):
    """Videos and captions of the 1k-A test.

    Attributes:
        annotations: the CSV file in the folder.
        videos: the folder of the videos in it.
    """

    annotations: str = "MSRVTT_JSFUSION_test.csv"
    videos: str = "MSRVTT_Videos"
    modality: ClassVar[Modality] = Modality.VIDEO

    @property
    def wanted(self) -> str:
        """As of `CaptionBenchmark`."""
        return f"Put {self.annotations} there, and video<number>.mp4 of MSR-VTT into {self.videos}."

    def read(self, files: BenchmarkFiles) -> Iterator[Captioned]:
        """As of `CaptionBenchmark`."""
        rows = read_csv(files, self.annotations, ("video_id", "sentence"))
        folder = files.find(self.videos)
        for row in rows:
            key = row["video_id"].strip()
            yield Captioned(key, files.with_suffix(folder, key, (".mp4", ".webm")), (row["sentence"].strip(),))
