r"""ShareGPT4V 1k: the first 1000 rows of ShareCaptioner's 1.2M, with long captions.

    share-captioner_coco_lcs_sam_1246k_1107.json
        [{"id": "...", "image": "sam/images/sa_1.jpg",
          "conversations": [{"from": "human", "value": "..."}, {"from": "gpt", "value": "In the ..."}]}, ...]

The image's path is relative to the folder. Rows, their number and the field (`conversations[1].value`, line breaks as spaces) as in
`share4v_val_dataset` of beichenzbc/Long-CLIP, which made this test. Of the JSON only the first rows are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from unite.evaluation.layouts.captions import CaptionBenchmark, Captioned, list_field, text_field
from unite.evaluation.layouts.source import BenchmarkFiles
from unite.evaluation.layouts.tables import first_of_json_list


@dataclass(frozen=True, kw_only=True)
class ShareGPT4V(CaptionBenchmark):
    """Images and long captions of the first rows.

    Attributes:
        annotations: the JSON file in the folder.
        images: what the images' paths are relative to, in the folder.
        num_rows: how many rows are the test.
    """

    annotations: str = "share-captioner_coco_lcs_sam_1246k_1107.json"
    images: str = "."
    num_rows: int = 1000

    @property
    def wanted(self) -> str:
        """As of `CaptionBenchmark`."""
        return f"Put {self.annotations} of Lin-Chen/ShareGPT4V there, and the images of its first {self.num_rows} rows into {self.images}."

    def read(self, files: BenchmarkFiles) -> Iterator[Captioned]:
        """As of `CaptionBenchmark`."""
        rows = first_of_json_list(files, self.annotations, self.num_rows)
        if len(rows) < self.num_rows:
            raise files.broken(f"the file {self.annotations}", f"a list of at least {self.num_rows} rows", f"of {len(rows)}")
        folder = files.find(self.images)
        for at, row in enumerate(rows):
            where = f"row {at} of {self.annotations}"
            key, turns = text_field(files, row, "image", where), list_field(files, row, "conversations", where)
            if len(turns) < 2:
                raise files.broken(f"the conversations in {where}", "a question and an answer", f"{len(turns)} turns")
            caption = text_field(files, turns[1], "value", f"the answer in {where}")
            yield Captioned(key, folder / key, (caption.replace("\n", " ").strip(),))
