"""Flickr30K and MSCOCO in Karpathy's splits (Karpathy & Fei-Fei 2015): one JSON, images beside it.

    dataset_flickr30k.json   {"images": [{"filename": "1007129816.jpg", "split": "test", "sentences": [{"raw": "The man with ..."}, ...]}]}
    dataset_coco.json        the same, each image with its folder besides: "filepath": "val2014"
    flickr30k-images/1007129816.jpg          val2014/COCO_val2014_000000391895.jpg

1000 and 5000 test images. Some have more than five captions; the field scores the first five: 5000 and 25000 texts.
Layout as public loaders of the two files read it (`images`, `filename`, `filepath`, `split`, `sentences`, `raw`, the first five).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from unite.evaluation.layouts.captions import CaptionBenchmark, Captioned, field_of, list_field, text_field
from unite.evaluation.layouts.source import BenchmarkFiles
from unite.evaluation.layouts.tables import read_json


@dataclass(frozen=True, kw_only=True)
class Karpathy(CaptionBenchmark):
    """Images and captions of one of Karpathy's splits.

    Attributes:
        annotations: the JSON file in the folder.
        images: the folder of the images in it; a row's `filepath` is below it.
        split: `test`, `val`, ...
        captions_per_image: how many of an image's captions count.
    """

    annotations: str
    images: str = "."
    split: str = "test"
    captions_per_image: int = 5

    @property
    def wanted(self) -> str:
        """As of `CaptionBenchmark`."""
        where = "beside it" if self.images == "." else f"into {self.images}"
        return f"Put Karpathy's {self.annotations} there, and the images it names {where}."

    def read(self, files: BenchmarkFiles) -> Iterator[Captioned]:
        """As of `CaptionBenchmark`."""
        rows = list_field(files, read_json(files, self.annotations), "images", self.annotations)
        folder = files.find(self.images)
        splits = {str(row.get("split")) for row in rows if isinstance(row, dict)}
        if self.split not in splits:
            raise files.broken(f"the split asked of {self.annotations}", f"one of {sorted(splits)}", self.split)
        for at, row in enumerate(rows):
            where = f"image {at} of {self.annotations}"
            if field_of(files, row, "split", where) == self.split:
                key = text_field(files, row, "filename", where)
                if row.get("filepath"):
                    key = f"{row['filepath']}/{key}"
                sentences = list_field(files, row, "sentences", where)[: self.captions_per_image]
                captions = tuple(text_field(files, one, "raw", f"a caption of {where}").strip() for one in sentences)
                yield Captioned(key, folder / key, captions)
