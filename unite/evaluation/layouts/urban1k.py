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
from unite.evaluation.layouts.tables import read_text

_SUFFIXES = (".jpg", ".png")


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
        captions = files.find("caption")
        stems = {path.stem for path in images.iterdir() if path.suffix in _SUFFIXES and not path.name.startswith(".")}
        files.check(captions / f"{stem}.txt" for stem in sorted(stems))  # an image without would be left out in silence
        for path in sorted(path for path in captions.glob("*.txt") if not path.name.startswith(".")):
            lines = read_text(files, path).strip().splitlines()
            if not lines:
                raise files.broken(f"the file {path}", "a caption", "empty")
            yield Captioned(path.stem, files.with_suffix(images, path.stem, _SUFFIXES), (lines[0].strip(),))
