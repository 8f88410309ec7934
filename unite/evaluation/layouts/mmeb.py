r"""MMEB (VLM2Vec, arXiv 2410.05160): 36 tasks, a folder of parquet each, every query with its own candidates, the first of them right.

    ImageNet-1K/test-00000-of-00001.parquet     qry_text, qry_img_path, tgt_text (list), tgt_img_path (list)
    eval_images/<qry_img_path>                  the images, of all tasks

    {"qry_text": "<|image_1|>\nRepresent the given image for classification\n", "qry_img_path": "ImageNet-1K/ImageNet-1K_image_0.jpg",
     "tgt_text": ["sea snake", "tench", ...], "tgt_img_path": ["", "", ...]}

Columns, file names and how a row is scored were read in public code that loads TIGER-Lab/MMEB-eval: `src/dataset.py`, `eval.py` and
`evaluation/eval_utils.py` of TIGER-AI-Lab/VLM2Vec, branch v1, and those of haon-chen/mmE5; not in the parquet itself. A candidate is known
by its text and image path, and a row is right where NumPy's argmax takes the first: of equal scores the first wins.

A text begins with the image's token and the task's instruction. That becomes the content's instruction, as in the rows that training reads,
so that a task has the modality the paper counts it under: an ImageNet query is an image, not an image and a text. The text keeps the places
of both, so that UNITE's and VLM2Vec's prompts write it as published (`unite.data.mmeb`). One thing is left out: the image's token of a
query without image (WebQA), which the published code hands to the model as a token of no image.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

from unite.config.schema.media import Decoding
from unite.data.mmeb import split_instruction
from unite.embedding.lazy import FileContent
from unite.evaluation.layouts.mmeb_rows import LocalPools, rows_of
from unite.evaluation.layouts.source import BenchmarkFiles
from unite.evaluation.tasks import RetrievalTask

_COLUMNS = ("qry_text", "qry_img_path", "tgt_text", "tgt_img_path")
_OTHER = "Rows with qry_inst are those of ziyjiang/MMEB_Test_Instruct: evaluate them by suite=mmeb_v2_image."


@dataclass(frozen=True, kw_only=True)
class Mmeb:
    """One of MMEB's tasks.

    Attributes:
        folder: where MMEB-eval lies, relative to the suite's `data_root`.
        subset: the name of the task's folder in it.
        images: the folder in it that the image paths are relative to.
        metrics: as the field reports them.
    """

    folder: str
    subset: str
    images: str = "eval_images"
    metrics: tuple[str, ...] = ("hit@1",)

    def load(self, name: str, data_root: Path, decoding: Decoding) -> RetrievalTask:
        """As of `unite.evaluation.layouts.source.TaskSource`."""
        wanted = f"Put the folder {self.subset} of TIGER-Lab/MMEB-eval there, and what its images.zip holds into {self.images}."
        files = BenchmarkFiles(name, data_root / self.folder, wanted)
        task = LocalPools(files, files.find(self.images))
        for where, row in rows_of(files, self.subset, _COLUMNS, _COLUMNS, _OTHER):
            texts, paths = row["tgt_text"], row["tgt_img_path"]
            if not texts or len(texts) != len(paths or ()):
                actual = f"{len(texts or ())} texts and {len(paths or ())} paths"
                raise files.broken(f"the candidates in {where}", "at least one, with a text and a path each", actual)
            candidates: dict[Hashable, FileContent] = {}
            for key in dict.fromkeys(zip(texts, paths, strict=True)):
                candidates[key] = _content(task, *key, f"a candidate in {where}")
            task.add(_content(task, row["qry_text"], row["qry_img_path"], f"the query in {where}"), candidates)
        return task.task(name, tuple(self.metrics), decoding)


def _content(task: LocalPools, text: str | None, path: str | None, where: str) -> FileContent:
    written, instruction = split_instruction(task.text(text, f"the text of {where}"), bool(path))
    return task.content(written, path or "", instruction, where)
