"""WebVid-CoVR test: composed video retrieval, one CSV: a video and how it is to be changed, to the changed video.

    webvid8m-covr_test.csv    txt1,txt2,edit,pth1,pth2      pth1 and pth2 are `page_dir/videoid`, the videos without suffix
    8M/train/<page_dir>/<videoid>.mp4

Columns and folders as in `src/data/webvid_covr.py` and `configs/` of lucas-ventura/CoVR. As its test does, each query is ranked against
the targets of all rows without its own video (`remove_self_similarity` in `src/test/blip/webvid_covr.py`), and each row has another target.
Its models read the edit cleaned (`pre_caption` in `src/data/utils.py`, 30 words).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from unite.config.schema.media import Decoding
from unite.embedding.lazy import FileContent
from unite.evaluation.layouts.captions import task_of
from unite.evaluation.layouts.source import BenchmarkFiles
from unite.evaluation.layouts.tables import read_csv
from unite.evaluation.tasks import RetrievalTask
from unite.types import INSTRUCTION_PLACE, Modality, escape_places

_COLUMNS = ("edit", "pth1", "pth2")
#: What `pre_caption` puts a blank for; commas, question marks and hyphens stay. And how many words the test keeps.
_PUNCTUATION = re.compile(r"[.!\"()*#:;~]")
_MAX_WORDS = 30


@dataclass(frozen=True, kw_only=True)
class WebvidCovr:
    """Video and edit text to video.

    Attributes:
        folder: relative to the suite's `data_root`.
        annotations: the CSV file in the folder.
        videos: the folder of the videos in it.
        query_instruction, candidate_instruction: of every query, of every candidate.
        clean_edit: read the edit as CoVR's own code does, in lower case, without .!"()*#:;~ and cut to 30 words. By default it is read as
            it stands: which of the two UNITE's figures are of is not known, since its evaluation code was not released.
        metrics: as the field reports them.
    """

    folder: str
    annotations: str = "webvid8m-covr_test.csv"
    videos: str = "8M/train"
    query_instruction: str = ""
    candidate_instruction: str = ""
    clean_edit: bool = False
    metrics: tuple[str, ...] = ("recall@1", "recall@5", "recall@10", "recall@50")

    def load(self, name: str, data_root: Path, decoding: Decoding) -> RetrievalTask:
        """As of `unite.evaluation.layouts.source.TaskSource`."""
        wanted = f"Put {self.annotations} of lucas-ventura/WebVid-CoVR there, and its videos into {self.videos}/<page_dir>."
        files = BenchmarkFiles(name, data_root / self.folder, wanted)
        rows = read_csv(files, self.annotations, _COLUMNS)
        folder = files.find(self.videos)
        files.check(folder / f"{row[column]}.mp4" for row in rows for column in ("pth1", "pth2"))
        queries: dict[str, FileContent] = {}
        candidates: dict[str, FileContent] = {}
        relevance: dict[str, dict[str, int]] = {}
        # An instruction stands after the video, as in MMEB's texts.
        before = f"{Modality.VIDEO.place}\n" + (f"{INSTRUCTION_PLACE}\n" if self.query_instruction else "")
        for at, row in enumerate(rows):
            if row["pth1"] == row["pth2"]:
                raise files.broken(f"the videos of row {at} of {self.annotations}", "two different ones", row["pth1"])
            query = f"{at:06d}"
            edit = cleaned(row["edit"]) if self.clean_edit else row["edit"].strip()
            if not edit:
                raise files.broken(f"the edit of row {at} of {self.annotations}", "more than what is taken out of it", row["edit"])
            text = f"{before}{escape_places(edit)}"
            queries[query] = self._content(folder, row["pth1"], text, self.query_instruction)
            candidates[row["pth2"]] = self._content(folder, row["pth2"], "", self.candidate_instruction)
            relevance[query] = {row["pth2"]: 1}
        pools = {f"{at:06d}": [one for one in candidates if one != row["pth1"]] for at, row in enumerate(rows)}
        sides = ((queries, Modality.TEXT | Modality.VIDEO), (candidates, Modality.VIDEO))
        return task_of(name, *sides, relevance=relevance, metrics=tuple(self.metrics), decoding=decoding, pools=pools)

    def _content(self, folder: Path, video: str, text: str, instruction: str) -> FileContent:
        return FileContent(text, ((Modality.VIDEO, folder / f"{video}.mp4"),), escape_places(instruction))


def cleaned(edit: str) -> str:
    """Returns an edit as CoVR's own models read it: see `WebvidCovr.clean_edit`."""
    text = re.sub(r"\s{2,}", " ", _PUNCTUATION.sub(" ", edit.lower())).rstrip("\n").strip(" ")
    return " ".join(text.split(" ")[:_MAX_WORDS])
