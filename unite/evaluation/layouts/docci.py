"""DOCCI: long descriptions of 15k photographs, 5000 of them the test.

    docci_descriptions.jsonlines  {"example_id": "test_00000", "split": "test", "image_file": "test_00000.jpg", "description": "A ..."}
    images/test_00000.jpg

`split`, `image_file`, `description` and the two names as in public loaders of google/docci.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from unite.evaluation.layouts.captions import CaptionBenchmark, Captioned, field_of, text_field
from unite.evaluation.layouts.source import BenchmarkFiles
from unite.evaluation.layouts.tables import read_json_lines


@dataclass(frozen=True, kw_only=True)
class Docci(CaptionBenchmark):
    """Images and descriptions of one split.

    Attributes:
        annotations: the JSON lines file in the folder.
        images: the folder of the images in it.
        split: `test`, `train`, `qual_dev` or `qual_test`.
    """

    annotations: str = "docci_descriptions.jsonlines"
    images: str = "images"
    split: str = "test"

    @property
    def wanted(self) -> str:
        """As of `CaptionBenchmark`."""
        return f"Put {self.annotations} of google/docci there, and its images into {self.images}."

    def read(self, files: BenchmarkFiles) -> Iterator[Captioned]:
        """As of `CaptionBenchmark`."""
        folder = files.find(self.images)
        for where, row in read_json_lines(files, self.annotations):
            if field_of(files, row, "split", where) == self.split:
                key = text_field(files, row, "image_file", where)
                yield Captioned(key, folder / key, (text_field(files, row, "description", where).strip(),))
