"""Urban1K: 1000 urban scenes, a folder of images and one of captions, with equal stems.

    Urban1k/image/221.jpg
    Urban1k/caption/221.txt     the first line is the caption

Folders, suffixes and the first line as in `eval/retrieval/Urban1k.py` of beichenzbc/Long-CLIP.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from unite.evaluation.layouts.captions import CaptionBenchmark, Captioned
from unite.evaluation.layouts.source import BenchmarkFiles


@dataclass(frozen=True, kw_only=True)
class Urban1K(CaptionBenchmark):
    """Images and long captions by equal stems."""

    @property
    def wanted(self) -> str:
        """As of `CaptionBenchmark`."""
        return "Put the folders image and caption of BeichenZhang/Urban1k there."

    def read(self, files: BenchmarkFiles) -> Iterator[Captioned]:
        """As of `CaptionBenchmark`."""
        images = files.find("image")
        for path in sorted(files.find("caption").glob("*.txt")):
            lines = path.read_text(encoding="utf-8-sig").strip().splitlines()
            if not lines:
                raise files.broken(f"the file {path}", "a caption", "empty")
            yield Captioned(path.stem, files.with_suffix(images, path.stem, (".jpg", ".png")), (lines[0].strip(),))
