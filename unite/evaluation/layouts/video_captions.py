"""Videos and captions as a JSON list of rows, the videos in a folder: MSVD, DiDeMo and CaReBench.

    msvd_test.json     [{"video_id": "fr9H1WLcF1A_141_148", "video": "fr9H1WLcF1A_141_148.avi", "caption": ["a man is ...", ...]}, ...]
    didemo_test.json   [{"video": "test/....mp4", "caption": "the sentences of a video, joined"}, ...]
    metadata.json      [{"video": "....mp4", "caption": "...", "spatial_caption": "...", "temporal_caption": "..."}, ...]

MSVD (670 videos, 27763 captions) and DiDeMo as in friedrichor/MSVD and friedrichor/DiDeMo, whose rows public converters read so; CaReBench
(1000 videos) as in MCG-NJU/CaReBench, `json/metadata.json`, of which a public converter checks the fields. How a row is scored is from
MCG-NJU/CaReBench: a list of captions is several right answers, or, for DiDeMo, sentences that are joined to a paragraph.

From MSVD's videos to texts CLIP4Clip ranks groups of captions, each by its best; here the captions are ranked, as in CaReBench: hit@1 is
the same, hit@5 and hit@10 are stricter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from unite.config.schema.media import Decoding, check_span
from unite.evaluation.layouts.captions import CaptionBenchmark, Captioned, field_of, text_field
from unite.evaluation.layouts.source import BenchmarkFiles
from unite.evaluation.layouts.tables import read_json_list
from unite.evaluation.tasks import RetrievalTask
from unite.types import Modality


@dataclass(frozen=True, kw_only=True)
class VideoCaptions(CaptionBenchmark):
    """Videos and captions from a JSON list.

    Attributes:
        annotations: the JSON file in the folder.
        videos: the folder of the videos in it.
        caption: the field that holds the text, or a list of texts.
        paragraph: join a list to one text (paragraph retrieval), instead of one query each.
        captions_per_video: how many of a list count, from the first; 0 is all.
        start_seconds, end_seconds: what of each video is looked at, by default what the suite's decoding says. DiDeMo's annotators saw the
            first 30 seconds.
    """

    annotations: str
    videos: str
    caption: str = "caption"
    paragraph: bool = False
    captions_per_video: int = 0
    start_seconds: float | None = None
    end_seconds: float | None = None
    modality: ClassVar[Modality] = Modality.VIDEO

    def __post_init__(self) -> None:
        super().__post_init__()
        check_span("the {} of a VideoCaptions task", self.start_seconds, self.end_seconds)

    @property
    def wanted(self) -> str:
        """As of `CaptionBenchmark`."""
        return f"Put {self.annotations} there, a JSON list with the fields video and {self.caption}, and the videos into {self.videos}."

    def load(self, name: str, data_root: Path, decoding: Decoding) -> RetrievalTask:
        """As of `CaptionBenchmark`, its videos cut to what of them counts."""
        start = decoding.start_seconds if self.start_seconds is None else self.start_seconds
        end = decoding.end_seconds if self.end_seconds is None else self.end_seconds
        return super().load(name, data_root, replace(decoding, start_seconds=start, end_seconds=end))

    def read(self, files: BenchmarkFiles) -> Iterator[Captioned]:
        """As of `CaptionBenchmark`."""
        rows = read_json_list(files, self.annotations)
        folder = files.find(self.videos)
        for at, row in enumerate(rows):
            where = f"row {at} of {self.annotations}"
            key, captions = text_field(files, row, "video", where), field_of(files, row, self.caption, where)
            several = captions if isinstance(captions, list) else [captions]
            texts = [one.strip() if isinstance(one, str) else "" for one in several[: self.captions_per_video or None]]
            if not all(texts):
                raise files.broken(f"the field {self.caption!r} in {where}", "a text, or a list of texts, none of them empty", several)
            yield Captioned(key, folder / key, (" ".join(texts),) if self.paragraph else tuple(texts))
